# remote -append tour @B@/lantern.elf
# A tracepoint at a call of the VMI ROM, its pass count, and what the status says then.
break kernel_main
continue
break sys_fork
continue
trace VMI_SetPxE if flags & 1
actions
collect $regs, pte, at, flags
end
passcount 40
tstart
delete 1
delete 2
break sys_power
continue
tstatus
tfind 7
p $eip
p at != 0
p flags & 1
tfind none
set trace-buffer-size 4096
tstart
delete
maintenance packet qTStatus
detach
