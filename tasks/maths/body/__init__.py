"""The body: landmarks, boxes, left and right, stride."""
