#!/bin/sh
# What a kernel finds of a BIOS, and what it is told when it calls one: tests/guest/bios.S.
set -e
got=$("$VITRINE" -batch -m 16M -kernel "$B/guest/bios.elf" 2>&1) && status=0 || status=$?
want='csmti
vitrine: the guest called the BIOS (INT 10h, AX=0e41), and there is none'
[ "$got" = "$want" ] || { echo "$got" && exit 1; }
[ $status = 3 ] || { echo "status $status" && exit 1; }
