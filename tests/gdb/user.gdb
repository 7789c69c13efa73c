# remote -append run=true -symbols @B@/lantern/user/init.elf @B@/lantern.elf
# A user program's symbols beside the kernel's: -symbols FILE is a library.
info sharedlibrary
tbreak main
continue
backtrace
info registers cpl
next
print argc
tbreak sys_fork
continue
backtrace 3
print strlen(current->name)
print strcmp((char*)current->name, (char*)current->name)
finish
detach
