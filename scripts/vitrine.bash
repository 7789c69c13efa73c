# bash completion for vitrine(1)

_vitrine() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	case ${prev/#--/-} in
	-kernel | -initrd | -loadvm | -x | -symbols | -stats) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	-trace) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	-engine) mapfile -t COMPREPLY < <(compgen -W "bt vmi" -- "$cur") ;;
	-clock) mapfile -t COMPREPLY < <(compgen -W "virtual host" -- "$cur") ;;
	-translator) mapfile -t COMPREPLY < <(compgen -W "windows=off links=off block= step=on count=twice code=" -- "$cur") ;;
	-sandbox) mapfile -t COMPREPLY < <(compgen -W "on off" -- "$cur") ;;
	-serial) mapfile -t COMPREPLY < <(compgen -W "stdio null file: pty unix:" -- "$cur") ;;
	-gdb) mapfile -t COMPREPLY < <(compgen -W "tcp: unix:" -- "$cur") ;;
	-m) mapfile -t COMPREPLY < <(compgen -W "64M 128M 256M 512M 1G 2G 3G" -- "$cur") ;;
	-append | -cpu | -e | -seed | -load) ;;
	*)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-kernel -initrd -append -load -m -engine -cpu -s -gdb -S -serial -batch -e -x
				-symbols -loadvm -clock -seed -trace -stats -perf-map -sample -no-reboot -sandbox -translator -version -help" -- "${cur/#--/-}")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	esac
}
complete -o filenames -F _vitrine vitrine
