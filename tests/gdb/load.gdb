# remote -append tour @B@/lantern.elf
# A machine saved and loaded behind gdb's back: it is told once that registers are others, and a hook makes it look.
python import os
break sys_fork
continue
python gdb.execute("monitor save " + os.environ["HOME"] + "/saved")
monitor set $pc = sys_wait
print $pc == sys_fork
python gdb.execute("monitor load " + os.environ["HOME"] + "/saved")
maintenance flush register-cache
print $pc == (void (*)()) sys_fork
define hookpost-monitor
maintenance flush register-cache
end
monitor set $pc = sys_wait
print $pc == (void (*)()) sys_fork
python gdb.execute("monitor load " + os.environ["HOME"] + "/saved")
print $pc == (void (*)()) sys_fork
monitor set $eax = 0x77
print/x $eax
kill
