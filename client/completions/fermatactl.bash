# SPDX-License-Identifier: MIT
# bash completion of fermatactl(1)

_fermatactl()
{
    local cur prev words cword
    _init_completion || return

    local verbs='status start stop skip keep seed reseed composer threshold sampling net volume
        profile output target reseed-interval piece-length rtp midi announce channel schedule watch
        pipe health metrics version help'
    local keys='composer net threshold sampling volume profile reseed-interval piece-length midi curator
        seed piece-number output target rtp rtp-ttl announce-every autostart'
    local options='--channel --help --system --user --version' verb='' what='' which=() bus=() i

    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        -c | --channel)
            which+=(--channel "${words[++i]}")
            ;;
        -S | --system | -U | --user)
            which+=("${words[i]}")
            bus=("${words[i]}")
            ;;
        -f | --format | -n | --channels | -p | --png | -r | --rate | -s | --seconds | -e | --every)
            ((i++))
            ;;
        -*) ;;
        *)
            if [[ -z $verb ]]; then
                verb=${words[i]}
            else
                what=${what:-${words[i]}}
            fi
            ;;
        esac
    done

    # From the daemon; without one there is nothing to offer, and nothing to say.
    case $verb:$what:$prev in
    channel:add:--composer | channel:add:--net)
        COMPREPLY=($(compgen -W "$(timeout 2 fermatactl "${bus[@]}" "${prev#--}" --list \
            2>/dev/null)" -- "$cur"))
        return
        ;;
    channel:add:--*)
        return
        ;;
    pipe:*:-c)
        COMPREPLY=($(compgen -W '1 2' -- "$cur"))
        return
        ;;
    channel:remove:remove | *:-c | *:--channel)
        COMPREPLY=($(compgen -W "$(timeout 2 fermatactl "${bus[@]}" channel list 2>/dev/null |
            awk 'NR > 1 { print $1 }')" -- "$cur"))
        return
        ;;
    schedule:remove:remove)
        COMPREPLY=($(compgen -W "$(timeout 2 fermatactl "${which[@]}" schedule list 2>/dev/null |
            awk '$1 > 0 { print $1 }')" -- "$cur"))
        return
        ;;
    esac
    case $prev in
    -p | --png)
        _filedir png
        return
        ;;
    -f | --format)
        COMPREPLY=($(compgen -W 's16le s16be f32le ulaw alaw g722' -- "$cur"))
        return
        ;;
    -r | --rate)
        COMPREPLY=($(compgen -W '8000 16000 44100 48000' -- "$cur"))
        return
        ;;
    -n | --channels)
        COMPREPLY=($(compgen -W '1 2' -- "$cur"))
        return
        ;;
    -s | --seconds | -e | --every)
        return
        ;;
    esac
    if [[ -z $verb && $cur != -* ]]; then
        COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
        return
    fi
    case $verb in
    status | channel | schedule)
        options+=' --json'
        ;;
    announce)
        options+=' --every --stop'
        ;;
    composer | net | sampling | profile | output)
        options+=' --list'
        ;;
    pipe)
        options+=' --channels --format --live --rate'
        ;;
    watch)
        options+=' --json --png --quiet --seconds'
        ;;
    esac
    if [[ $cur == -* ]]; then
        [[ $verb:$what == channel:add ]] && options+=" $(printf -- '--%s ' $keys)"
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        return
    fi
    case $verb in
    announce)
        _filedir
        ;;
    composer | net)
        # From the daemon; without one there is nothing to offer, and nothing to say.
        COMPREPLY=($(compgen -W "$(timeout 2 fermatactl "${which[@]}" "$verb" --list \
            2>/dev/null)" -- "$cur"))
        ;;
    keep)
        case $prev in
        keep) COMPREPLY=($(compgen -W '30s 2m 5m 15m' -- "$cur")) ;;
        *) _filedir '@(mid|midi|wav|png|jsonl)' ;;
        esac
        ;;
    seed)
        _filedir '@(mid|midi)'
        ;;
    channel | schedule)
        [[ -n $what ]] || COMPREPLY=($(compgen -W 'list add remove' -- "$cur"))
        ;;
    midi)
        COMPREPLY=($(compgen -W 'yes no' -- "$cur"))
        ;;
    sampling)
        COMPREPLY=($(compgen -W 'sample hard' -- "$cur"))
        ;;
    rtp)
        COMPREPLY=($(compgen -W 'off' -- "$cur"))
        ;;
    profile)
        COMPREPLY=($(compgen -W 'room telephone raw' -- "$cur"))
        ;;
    output)
        COMPREPLY=($(compgen -W 'stream source' -- "$cur"))
        ;;
    target)
        COMPREPLY=($(compgen -W "$(timeout 2 pactl list short sinks 2>/dev/null | cut -f 2)" \
            -- "$cur"))
        ;;
    help)
        COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
        ;;
    esac
} && complete -F _fermatactl fermatactl
