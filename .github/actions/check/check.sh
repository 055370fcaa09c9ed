#!/usr/bin/env bash
# Runs `segcli check` with the inputs of the action, which are variables: no text of an input is
# read as a command, and a file name that begins with a dash is no option.
set -euo pipefail
shopt -s globstar nullglob
# Without separators a pattern is not split into words, only matched.
IFS=

arguments=(check --format github)
add() { if [ -n "$2" ]; then arguments+=("$1=$2"); fi; }
add --dest "$DEST"
while IFS= read -r plan; do add --plan "$plan"; done <<< "$PLAN"
add --expect "$EXPECT"
add --baseline "$BASELINE"
case "$FAIL_ON" in
    error | never) ;;
    warning) arguments+=(--strict) ;;
    *)
        echo "::error title=segcli check::fail-on must be error, warning or never"
        exit 2
        ;;
esac

reports=$(mktemp -d "$RUNNER_TEMP/segcli-check.XXXXXX")
arguments+=(--output "junit=$reports/junit.xml" --output "json=$reports/report.json")
arguments+=(--output "markdown=$GITHUB_STEP_SUMMARY")
{
    echo "junit=$reports/junit.xml"
    echo "report=$reports/report.json"
} >> "$GITHUB_OUTPUT"

while IFS= read -r argument; do
    if [ -n "$argument" ]; then arguments+=("$argument"); fi
done <<< "$ARGS"

files=()
while IFS= read -r pattern; do
    if [ -z "$pattern" ]; then continue; fi
    if [ -e "$pattern" ]; then
        found=("$pattern")
    else
        found=($pattern)
    fi
    # What matches nothing is passed on, so that segcli says that it is not there.
    if [ "${#found[@]}" -eq 0 ]; then found=("$pattern"); fi
    files+=("${found[@]}")
done <<< "$FILES"
if [ "${#files[@]}" -eq 0 ]; then
    echo "::error title=segcli check::files names no file"
    exit 2
fi

code=0
"$RUNNER_TEMP/segcli/bin/segcli" "${arguments[@]}" -- "${files[@]}" || code=$?
echo "exit-code=$code" >> "$GITHUB_OUTPUT"
# The errors of a run are in its log only; beside the job, GitHub would show the code alone.
if [ "$code" -gt 1 ]; then
    echo "::error title=segcli check::the check was not completed (exit code $code): see the log of this step"
fi
if [ "$FAIL_ON" = never ] && [ "$code" -eq 1 ]; then code=0; fi
exit "$code"
