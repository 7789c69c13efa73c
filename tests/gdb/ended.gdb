# remote -append run=true build/lantern.elf
# A guest that ends by itself.
continue
info threads
