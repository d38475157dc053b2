# fish completion for pgoctl(1). What the server knows, its services and their containers, is not asked for.

set -g __pgoctl_operations up plan down stop start restart ps pull logs journal exec run config tags links scale domains load history deploys rollback cancel hold release sync deploy-key git push fetch ping status help
set -g __pgoctl_host_operations services status who config apps upload-key keys help

function __pgoctl_target
    set -l word (commandline -ct)
    set -l parts (string match -r '^(.*//)' -- $word)
    if set -q parts[2]
        set -l operations $__pgoctl_operations
        string match -q '*:host://' -- $parts[2]; and set operations $__pgoctl_host_operations
        for operation in $operations
            echo $parts[2]$operation
        end
    else if test -r ~/.ssh/known_hosts
        # Hosts with pgod's usual port that the user has trusted already.
        string replace -rf '^\[([^]]*)\]:2222[ ,].*' '$1:' <~/.ssh/known_hosts
    end
end

# The operation of the target that stands on the line already.
function __pgoctl_operation
    for word in (commandline -opc)[2..-1]
        string match -q '*//*' -- $word; or continue
        string match -q '*:host://*' -- $word; and echo -n host://
        string replace -r '.*//' '' -- $word
        return
    end
    return 1
end

function __pgoctl_options
    switch (__pgoctl_operation)
        case up
            printf '%s\n' --quiet --plan
        case pull
            printf '%s\n' --quiet
        case down
            printf '%s\n' --timeout --remove-orphans
        case stop
            printf '%s\n' --timeout
        case restart
            printf '%s\n' --timeout --no-deps
        case ps
            printf '%s\n' --all --quiet --services --status --json --no-trunc
        case logs
            printf '%s\n' --follow --tail --timestamps --since --until --no-color --no-log-prefix
        case journal
            printf '%s\n' --follow --tail --since --json
        case exec
            printf '%s\n' --detach --env --workdir --index --tty --no-TTY
        case history
            printf '%s\n' --tail --json
        case deploy-key
            printf '%s\n' --new --json
        case run
            printf '%s\n' --env --workdir --tty --no-TTY
        case config
            printf '%s\n' --show --format --json
        case host://upload-key
            printf '%s\n' --apps --json
        case git 'host://*'
            printf '%s\n' --json
        case plan load deploys tags links scale domains rollback cancel hold release sync ping status help
            printf '%s\n' --json
    end
end

# What an operation begins with.
function __pgoctl_verbs
    string match -q '*//*' -- (commandline -opc)[-1]; or return
    switch (__pgoctl_operation)
        case git
            printf '%s\n' pull hash
        case config
            printf '%s\n' set unset get list import export options
        case domains
            printf '%s\n' list add remove clear
        case host://apps
            printf '%s\n' list info create destroy rename lock unlock
        case host://keys
            printf '%s\n' list remove allow deny
    end
end

complete -c pgoctl -f
complete -c pgoctl -n 'not __pgoctl_operation' -s i -l identity -rF -d 'private key to use'
complete -c pgoctl -n 'not __pgoctl_operation' -s p -l port -x -d 'port of pgod'
complete -c pgoctl -n 'not __pgoctl_operation' -l accept-new -d 'trust and store the key of a host that is not known yet'
complete -c pgoctl -n 'not __pgoctl_operation' -l known-hosts -rF -d 'keep host keys in this file'
complete -c pgoctl -n 'not __pgoctl_operation' -s q -l quiet -d 'no line about a status over 255'
complete -c pgoctl -n 'not __pgoctl_operation' -s v -l version -d 'print the version'
complete -c pgoctl -n 'not __pgoctl_operation' -s h -l help -d 'print the options'
complete -c pgoctl -n 'not __pgoctl_operation' -a '(__pgoctl_target)'
complete -c pgoctl -n __pgoctl_operation -a '(__pgoctl_verbs; __pgoctl_options)'
