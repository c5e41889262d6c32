/**
 * One small script for each shell. None of them knows a verb or a flag: they ask `axon __complete`, which
 * reads the program, so they never grow old.
 */
export const completionScripts = {
  // Bash ends words at `@`, `=` and `:` too, and replaces only what comes after: the rest is cut off.
  bash: `# axon completion for bash:  eval "$(axon completion bash)"
_axon() {
  local line="\${COMP_LINE:0:COMP_POINT}" last="$2" cut answer
  local -a words
  read -ra words <<<"$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  cut="\${words[\${#words[@]}-1]}"
  # What stands before the piece that bash replaces.
  cut="\${cut%"$last"}"
  COMPREPLY=()
  while IFS= read -r answer; do
    case "$answer" in
      :files) compopt -o default 2>/dev/null ;;
      :nospace) compopt -o nospace 2>/dev/null ;;
      *) COMPREPLY+=("\${answer#"$cut"}") ;;
    esac
  done < <(axon __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _axon axon
`,
  zsh: `#compdef axon
# axon completion for zsh:  eval "$(axon completion zsh)"
_axon() {
  local answer
  local -a found open
  local files=0 nospace=0
  for answer in \${(f)"$(axon __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    case "$answer" in
      :files) files=1 ;;
      :nospace) nospace=1 ;;
      *) found+=("$answer") ;;
    esac
  done
  if (( nospace )); then compadd -S '' -a found; else compadd -a found; fi
  if (( files )); then _files; fi
}
# As a file \`_axon\` in fpath this is the body of the function; else zsh's completion may have to be begun.
if [[ "\${funcstack[1]}" == _axon ]]; then
  _axon "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit; }
  compdef _axon axon
fi
`,
  fish: `# axon completion for fish:  axon completion fish | source
function __axon_complete
  set -l words (commandline -opc) (commandline -ct)
  for answer in (axon __complete $words[2..] 2>/dev/null)
    switch $answer
      case :files
        __fish_complete_path (commandline -ct)
      case :nospace
      case '*'
        echo $answer
    end
  end
end
complete -c axon -f -a '(__axon_complete)'
`,
} as const;

export type Shell = keyof typeof completionScripts;
export const shells = Object.keys(completionScripts) as readonly Shell[];
