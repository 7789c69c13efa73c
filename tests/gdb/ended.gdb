# remote -append run=true @B@/lantern.elf
# A guest that ends by itself.
continue
info threads
