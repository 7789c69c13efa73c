# remote -append tour @B@/lantern.elf
# With no file given: the kernel's symbols, the ROM's, and what there is to look at.
info sharedlibrary
info threads
info functions VMI_.*Mask
ptype VMI_SetPxE
list kernel_main
info os
monitor info version
break kernel_main
continue
info registers eip cs cr0 cpl exit_reason
print $cr0_bits
print/x $cr0 & 1
backtrace
info symbol $pc
p &ticks
whatis ticks
detach
