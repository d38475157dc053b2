# bash completion for pgoctl(1). What the server knows, its services and their containers, is not asked for.

_pgoctl_operations='up plan down stop start restart ps pull logs journal exec run config tags links scale domains load history deploys rollback cancel hold release sync deploy-key git push fetch ping status help'
_pgoctl_host_operations='services status who config apps upload-key keys help'

# Hosts with pgod's usual port that the user has trusted already.
_pgoctl_hosts() {
	local file=${HOME:+$HOME/.ssh/known_hosts} names
	[[ -r $file ]] || return 0
	while read -r names _; do
		while [[ $names =~ \[([A-Za-z0-9.:_-]+)\]:2222(,|$) ]]; do
			printf '%s\n' "${BASH_REMATCH[1]}"
			names=${names/"${BASH_REMATCH[0]}"/}
		done
	done <"$file"
}

# The options of an operation that are worth offering.
_pgoctl_options() {
	case $1 in
	up) echo --quiet --plan ;;
	pull) echo --quiet ;;
	down) echo --timeout --remove-orphans ;;
	stop) echo --timeout ;;
	restart) echo --timeout --no-deps ;;
	ps) echo --all --quiet --services --status --json --no-trunc ;;
	logs) echo --follow --tail --timestamps --since --until --no-color --no-log-prefix ;;
	journal) echo --follow --tail --since --json ;;
	exec) echo --detach --env --workdir --index --tty --no-TTY ;;
	history) echo --tail --json ;;
	deploy-key) echo --new --json ;;
	run) echo --env --workdir --tty --no-TTY ;;
	config) echo --show --format --json ;;
	host://upload-key) echo --apps --json ;;
	git | host://*) echo --json ;;
	plan | load | deploys | tags | links | scale | domains | rollback | cancel | hold | release | sync | ping | status | help) echo --json ;;
	esac
}

# What an operation begins with.
_pgoctl_verbs() {
	case $1 in
	git) echo pull hash ;;
	config) echo set unset get list import export options ;;
	domains) echo list add remove clear ;;
	host://apps) echo list info create destroy rename lock unlock ;;
	host://keys) echo list remove allow deny ;;
	esac
}

# WORD PREFIX CANDIDATE...: completes a word behind its prefix. bash cuts a word at its colons: only what is behind the last one may be answered.
_pgoctl_words() {
	local word=$1 prefix=$2 cut=
	shift 2
	[[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && cut=${word%"${word##*:}"}
	mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$*" -- "${word#"$prefix"}")
	COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}

_pgoctl_argument() {
	local target=$1 before=$2 word=$3 operation=${1##*//}
	[[ $target == *:host://* ]] && operation=host://$operation
	if [[ $word == -* ]]; then
		_pgoctl_words "$word" '' "$(_pgoctl_options "$operation")"
	elif [[ $before == "$target" ]]; then
		_pgoctl_words "$word" '' "$(_pgoctl_verbs "$operation")"
	fi
}

_pgoctl_target() {
	local word=$1 prefix=${1%"${1##*//}"}
	case $word in
	*:host://*) _pgoctl_words "$word" "$prefix" "$_pgoctl_host_operations" ;;
	*:*//*) _pgoctl_words "$word" "$prefix" "$_pgoctl_operations" ;;
	*:*) ;;
	*)
		compopt -o nospace 2>/dev/null || :
		_pgoctl_words "$word" '' "$(_pgoctl_hosts | sed 's/$/:/')"
		;;
	esac
}

_pgoctl() {
	local line=${COMP_LINE:0:COMP_POINT} words word='' target='' before i last
	read -ra words <<<"$line"
	last=${#words[@]}
	[[ $line == *[[:space:]] ]] || word=${words[--last]}
	before=${words[last - 1]}
	COMPREPLY=()
	for ((i = 1; i < last; i++)); do
		case ${words[i]} in
		-i | --identity | -p | --port | --known-hosts) ((++i)) ;;
		-*) ;;
		*) target=${words[i]} && break ;;
		esac
	done
	if [[ $target ]]; then
		_pgoctl_argument "$target" "$before" "$word"
		return
	fi
	case $before:$word in
	-i:* | --identity:* | --known-hosts:*)
		compopt -o filenames 2>/dev/null || :
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	-p:* | --port:*) ;;
	*:-*) _pgoctl_words "$word" '' --identity --port --accept-new --known-hosts --quiet --version --help ;;
	*) _pgoctl_target "$word" ;;
	esac
}

complete -F _pgoctl pgoctl
