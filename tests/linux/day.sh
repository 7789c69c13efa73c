#!/bin/sh
# day.sh - a guest's day: work at the beginning of every PERIOD seconds, then sleep, as machines do.
#
#   day.sh ROUNDS PERIOD        in the guest, with the tree that day.py packs
#
# A round compiles, sorts, packs and runs two stressors of stress-ng for a second each. What can be told right from wrong is
# the same each time: an object file, a program's output, a sum; stress-ng verifies its own. The round's last line is
# `round N UPTIME IDLE FAILURES', seconds since boot and how many of them the processor was idle.
rounds=$1 period=$2
exec 2>&1
mkdir -p /dev/shm /dev/mqueue
mount -t tmpfs shm /dev/shm
mount -t mqueue mq /dev/mqueue
cd /src

stressors="cpu vm fork switch pipe sock mmap malloc timer signal sem futex zombie brk stack fault memcpy matrix qsort str crypt
zlib hash sem-sysv shm-sysv msg mq epoll poll eventfd clone vfork exec pthread kill mremap mprotect userfaultfd remap seek hdd dir
link context getdent sigsegv sigfpe opcode longjmp stackmmap tlb-shootdown branch nop set procfs vecmath funccall goto tree
heapsort mergesort sendfile splice tee udp sockpair fifo yield schedpolicy itimer clock timerfd sigq sigtrap sigsuspend sigio
ptrace vm-rw rename utime null zero full mcontend memfd mlock msync mutex nanosleep open personality af-alg aio cap prctl
rlimit sleep spawn sysinfo wait wcs vm-segv daemon dnotify inotify fanotify fallocate flock readahead revio symlink sync-file
access atomic bsearch lsearch hsearch tsearch list jpeg"

failures=0
failed() { failures=$((failures + 1)); echo "FAILED in round $n: $*"; }

same() { # NAME SUM: the sum that NAME had the first time
	[ -e "/tmp/sums/$1" ] || echo "$2" >"/tmp/sums/$1"
	[ "$(cat "/tmp/sums/$1")" = "$2" ] || failed "$1 differs"
}

stress() {
	stress-ng --temp-path /tmp "--$1" 1 --vm-bytes 32m --timeout 1s --verify >/tmp/out || { failed "$1"; tail -n 3 /tmp/out; }
}

compile() {
	gcc -O2 -I. -D_GNU_SOURCE -c "$1" -o /tmp/a.o >/tmp/out || { failed "gcc $1"; tail -n 3 /tmp/out; }
	same "$(basename "$1")" "$(md5sum </tmp/a.o)"
}

mkdir -p /tmp/sums
cat >/tmp/sum.c <<'C'
#include <stdio.h>
#include <math.h>
int main(void)
{
	double s = 0;
	for (int i = 1; i < 100000; i++)
		s += sin(i) / i;
	return printf("%.15f\n", s) < 0;
}
C
n=0
# shellcheck disable=SC2086 # words
set -- $stressors
while [ $n -lt "$rounds" ]; do
	n=$((n + 1))
	files=$(ls core/x86/*.c core/base/*.c)
	i=$((n % $(echo "$files" | wc -l) + 1))
	compile "$(echo "$files" | sed -n "${i}p")"
	gcc -O1 -fno-use-linker-plugin -static-libgcc /tmp/sum.c -o /tmp/sum -lm >/tmp/out || failed link
	same series "$(/tmp/sum)"
	same sorted "$(seq 3000 | sort -rn | md5sum)"
	same packed "$(tar cf - core 2>/dev/null | gzip | gunzip | md5sum)"
	stress "$1"
	stress "$2"
	first=$1 second=$2
	shift 2
	set -- "$@" "$first" "$second"
	echo "round $n $(cat /proc/uptime) $failures"
	now=$(cut -d. -f1 /proc/uptime)
	[ $((n * period)) -le "$now" ] || sleep $((n * period - now))
done
