# remote @B@/guest/stage.elf
# All of them, read and written.
info registers
set $eax = 0x12345678
set $eflags = 0x97
set $xmm3.v4_int32[2] = -7
set $mxcsr = 0x1fa0
print/x $eax
print $eflags
print $xmm3.v4_int32
print $mxcsr
# two numbers on the x87's stack, by the guest's own instructions: fld1, fldpi
set *(int*)0x300000 = 0xebd9e8d9
set $pc = 0x300000
stepi 2
info float
print $st0
print $st1
print/x $ftag
set $st1 = -2.5
print $st1
print $ax
print $al
set $cr3 = 0x190000
print/x $cr3
try set $efer = 1
try set $cs = 0x1234
set $fctrl = 0x27f
set $ftag = 0xffff
print/x $fctrl
print/x $ftag
set *(int*)0x300004 = 0xfeebf490
tbreak *0x300005 if $cr3 == 0x190000 && $cpl == 0
continue
info breakpoints
info all-registers cr0 cr2 gdtr_base idtr_limit tr dr7 icount tsc
kill
