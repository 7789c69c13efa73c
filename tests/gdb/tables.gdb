# remote -append tour @B@/lantern.elf
# The monitor's tables have columns.
tbreak sys_fork
continue
info os gdt
info os tasks
detach
