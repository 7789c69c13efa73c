# remote -append tour @B@/lantern.elf
# Tracepoints: conditions, what is collected, stepping, markers of the VMI ROM, state variables, saving.
tvariable $calls = 0
trace sys_fork
actions
collect $regs, current->pid, current->name
teval $calls = $calls + 1
collect $calls
end
trace sys_write if count > 50
actions
collect $regs, fd, count
while-stepping 2
collect $eip
end
end
python print(gdb.execute("info static-tracepoint-markers", to_string=True).splitlines()[41][:70])
info tracepoints
break sys_power
tstart
tstatus
continue
tstop
info tracepoints
tstatus
tfind start
print current->pid
print current->name
print $calls
python print("\n".join(gdb.execute("tdump", to_string=True).splitlines()[-3:]))
try print ticks
tfind tracepoint 2
print count
tfind
p $eip
info symbol $eip
tfind
info symbol $eip
info registers eax
tfind pc sys_fork
print $trace_frame
tfind none
tsave /dev/null
print $calls
delete
detach
