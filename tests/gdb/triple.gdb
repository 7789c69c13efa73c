# remote @B@/guest/stage.elf
# A triple fault is a stop with an autopsy, and the guest stays where it fell.
set $idtr_limit = 0
set *(short*)0x300000 = 0x0b0f
set $pc = 0x300000
continue
print $_siginfo
x/i $pc
continue
kill
