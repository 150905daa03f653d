"""Files for other programs, one module an export, in a folder for each kind of user.

The protocol: the module ``<name>`` has a function ``write_<name>(request, folder, tick) -> facts``, the same as any
stage. It reads what ``ExportRequest`` gives it, and writes files into the empty ``folder``. It calls ``tick`` with the
number of frames done. It returns facts for the summary, of which ``notes`` are shown as warnings. An export that does
not suit a clip writes a file that says so and gives no figures.
"""
