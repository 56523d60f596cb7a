#!/usr/bin/env bash
# Prints which of the two ONNX Runtimes suits this processor, by the name of its list of wheels:
# OpenVINO as a plug-in is newer, but serves Intel's processors alone (microsoft/onnxruntime#31981).
set -euo pipefail

if [ "$(uname -m)" = x86_64 ] && ! grep -qm1 GenuineIntel /proc/cpuinfo; then
    echo onnxruntime-openvino
else
    echo onnxruntime
fi
