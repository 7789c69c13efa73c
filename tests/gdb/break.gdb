# remote @B@/guest/stage.elf
# Breakpoints and watchpoints, their conditions and commands evaluated in the machine.
set breakpoint condition-evaluation target
tbreak outer
continue
break inner if $ebx == 2
continue
info breakpoints
print $ebx
delete
hbreak again
continue
delete
monitor reset
maintenance flush register-cache
set dprintf-style agent
dprintf inner,"inner: ebx %d,\tesp %#x, %c%5u\"\n", $ebx, $esp, 65, *(int*)&counter
tbreak greet
continue
delete
monitor reset
maintenance flush register-cache
watch *(int*)&counter
continue
continue
monitor info breakpoints
delete
rwatch *(char*)&message
continue
delete
awatch *((char*)&message+1)
continue
delete
tbreak leave_all
monitor break paged
continue
continue
