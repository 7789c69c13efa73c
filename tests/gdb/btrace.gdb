# remote -append tour @B@/lantern.elf
# How did it get here?  The translator's notes of what was executed last.
tbreak kernel_main
continue
record btrace
tbreak sys_fork
continue
python print("\n".join(gdb.execute("record function-call-history /c", to_string=True).splitlines()[-8:]))
record instruction-history -
reverse-stepi
reverse-finish
backtrace 2
record goto end
stepi
stepi
python print("\n".join(gdb.execute("record function-call-history /i", to_string=True).splitlines()[-2:]))
record stop
next
detach
