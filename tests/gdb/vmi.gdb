# remote -append tour @B@/lantern.elf
# A call of the VMI ROM as a function with arguments, found again when the kernel maps the ROM elsewhere.
break VMI_SetPxE if pte & 4
continue
info breakpoints
backtrace 3
info args
print pte & 0xfff
x/i $pc
finish
delete
break VMI_OUTB if port == 0x21
continue
info args
up
info frame
tbreak VMI_IRET
delete 2
continue
backtrace 1
tbreak VMI_SetCR3
continue
print/x value
monitor info vmi SetCR3
detach
