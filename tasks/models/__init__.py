"""The neural networks, behind protocols with one method. MediaPipe is used only here."""
