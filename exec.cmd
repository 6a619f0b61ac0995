@rem For the scripts of package.json: cmd.exe has no exec, and looks for commands in this folder first.
@%*
