#!/bin/sh
# compile_with_report.sh COMPILER ARGUMENT...: compiles and keeps what ptxas says of the kernels, their registers, stack,
# spills and shared memory, as OBJECT.ptxas beside the object; bench/device/kernel_resources.py makes a table of them.
object=""
previous=""
for argument in "$@"; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
"$@" 2> "$object.said"
status=$?
grep -v -E '^ptxas info|bytes stack frame|^nvcc warning : Resource usage|^$' "$object.said" >&2
[ $status = 0 ] && grep -E '^ptxas info|bytes stack frame' "$object.said" > "$object.ptxas"
rm -f "$object.said"
exit $status
