# extended-remote -append tour @B@/lantern.elf
# run, start and kill as for a program.
break kernel_main
run
print magic
kill
info threads
run
bt 1
monitor info breakpoints
delete
run
monitor quit
