# remote -append tour @B@/lantern.elf
# What scripts and other front ends do: Python, MI, commands, convenience variables.
python
import gdb
gdb.execute("break sys_fork")
gdb.execute("continue")
print(gdb.selected_frame().name(), gdb.selected_frame().older().name())
print(gdb.execute("info threads", to_string=True).splitlines()[1].split("(")[0].strip())
inferior = gdb.selected_inferior()
esp = int(gdb.parse_and_eval("$esp"))
print(len(inferior.read_memory(esp, 64)))
inferior.write_memory(0xc0000000 + 0x7000, b"written by python")
print(gdb.parse_and_eval("(char*)0xc0007000").string())
print(inferior.search_memory(0xc0007000, 4096, b"python") == 0xc0007000 + 11)
class Count(gdb.Breakpoint):
    hits = 0
    def stop(self):
        Count.hits += 1
        return Count.hits == 3
Count("sys_write")
gdb.execute("continue")
print(Count.hits)
end
set $count = 0
break sys_wait
commands
silent
set $count = $count + 1
continue
end
delete 1
delete 2
tbreak sys_power
continue
print $count > 0
interpreter-exec mi "-thread-info"
interpreter-exec mi "-data-list-register-values x 8"
interpreter-exec mi "-exec-next"
interpreter-exec mi "-stack-list-frames 0 1"
detach
