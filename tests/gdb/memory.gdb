# remote @B@/guest/stage.elf
# Memory in all ways: small, large, searched, compared, physical, and where there is none.
x/4i $pc
x/s &message
set var *(int*)0x300000 = 0x11223344
x/4xb 0x300000
set var *(short*)0x300ffe = 0x5566
set var *(int*)0x300ffd = -1
x/2xw 0x300ffc
find 0x100000, +0x2000, (char)'h', (char)'o', (char)'!'
find /w 0x300000, 0x301000, 0x11223344
compare-sections
dump binary memory /dev/null 0x100000 0x140000
try x/2xw 0xa0000000
try x/xb 0xfee00000
try print *(int*)0xfffffffd
break paged
continue
x/xw 0x400000
maintenance packet Qqemu.PhyMemMode:1
x/xw 0x400000
maintenance packet qqemu.PhyMemMode
maintenance packet Qqemu.PhyMemMode:0
info mem
kill
