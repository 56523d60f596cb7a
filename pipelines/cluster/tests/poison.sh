#!/bin/sh
# The program mdecomplete on a machine where restoring poison.webm kills the worker that began it.
case " $* " in
*/poison.webm\ *--json*)
    echo "$PPID" >>"$KILLED"
    kill -9 "$PPID"
    ;;
esac
exec "$GATED" "$@"
