# remote @B@/guest/stage.elf
# Every way to go on, on a guest whose addresses are known.
break outer
continue
stepi
nexti
x/2i $pc
step
next
display/i $pc
stepi 3
undisplay 1
try finish
tbreak inner
continue
stepi 2
backtrace 2
finish
up
down
advance again
until 23
tbreak greet
continue
next
next 3
step
delete
tbreak leave_all
jump *paged
monitor print $pc
stepi
