/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file system in memory: one directory, at most 64 files.
 *
 * The programs come with the kernel, as a tar archive inside its image
 * (archive.S).  Tar is the simplest archive there is: a header of 512 bytes
 * with the name and, in octal, the size; then the contents, padded to 512.
 * Files from the archive are used in place.
 *
 * Files written later live in page frames, and one more frame lists those: so
 * a file may have 1024 pages, 4 MiB.
 */
#include "kernel.h"

enum { INODES = 64, FILE_PAGES = PAGE_SIZE / sizeof(u32) };

struct inode {
	char name[NAME_LENGTH];
	u32 size;
	u32 users;		/* open files, and the directory counts one */
	const u8 *image;	/* in the archive, or NULL */
	u32 *frames;		/* FILE_PAGES of them, 0 where there is none */
};

struct __attribute__((packed)) tar_header {
	char name[100], mode[8], owner[8], group[8], size[12], time[12];
	char check[8], kind;
};

extern const u8 archive_start[], archive_end[];

static struct inode inodes[INODES];

static u32 parse_octal(const char *text, u32 length)
{
	u32 value = 0;

	for (; length && *text >= '0' && *text <= '7'; length--)
		value = value * 8 + (u32)(*text++ - '0');
	return value;
}

static struct inode *inode_find(const char *name)
{
	for (u32 i = 0; i < INODES; i++)
		if (inodes[i].users && !strcmp(inodes[i].name, name))
			return &inodes[i];
	return NULL;
}

static struct inode *inode_create(const char *name)
{
	for (u32 i = 0; i < INODES; i++)
		if (!inodes[i].users) {
			inodes[i] = (struct inode){ .users = 1 };
			copy_text(inodes[i].name, name, NAME_LENGTH);
			return &inodes[i];
		}
	return NULL;
}

void ramfs_init(void)
{
	const u8 *at = archive_start;
	u32 count = 0;

	while (at < archive_end && *at) {
		const struct tar_header *header = (const void *)at;
		struct inode *inode = inode_create(header->name);

		if (!inode)
			panic("more than %u files in the archive", INODES);
		inode->size = parse_octal(header->size, sizeof(header->size));
		inode->image = at + 512;
		at += 512 + round_up(inode->size, 512);
		count++;
	}
	printk("lantern: %u files in memory, %u KiB\n", count,
	       (u32)(archive_end - archive_start) / 1024);
}

static void drop_contents(struct inode *inode)
{
	for (u32 i = 0; inode->frames && i < FILE_PAGES; i++)
		if (inode->frames[i])
			frame_release(inode->frames[i]);
	if (inode->frames)
		frame_release(virt_to_phys(inode->frames));
	inode->frames = NULL;
	inode->image = NULL;
	inode->size = 0;
}

/* With `create`, the file is made if need be, and emptied. */
struct inode *inode_open(const char *name, bool create)
{
	struct inode *inode = inode_find(name);

	if (!inode && create)
		inode = inode_create(name);
	if (!inode)
		return NULL;
	if (create)
		drop_contents(inode);
	inode->users++;
	return inode;
}

void inode_close(struct inode *inode)
{
	if (!--inode->users)
		drop_contents(inode);
}

/* The contents as one piece, which only files from the archive are. */
const u8 *inode_image(const struct inode *inode, u32 *size)
{
	*size = inode->size;
	return inode->image;
}

static int read_frames(const struct inode *inode, u32 offset, char *to,
		       u32 count)
{
	for (u32 done = 0; done < count;) {
		u32 within = (offset + done) % PAGE_SIZE;
		u32 part = PAGE_SIZE - within;
		const char *page = phys_to_virt(
			inode->frames[(offset + done) / PAGE_SIZE]);

		if (part > count - done)
			part = count - done;
		if (copy_to_user(to + done, page + within, part))
			return -E_FAULT;
		done += part;
	}
	return (int)count;
}

int inode_read(struct inode *inode, u32 offset, char *to, u32 count)
{
	if (offset >= inode->size)
		return 0;
	if (count > inode->size - offset)
		count = inode->size - offset;
	if (!inode->image)
		return read_frames(inode, offset, to, count);
	if (copy_to_user(to, inode->image + offset, count))
		return -E_FAULT;
	return (int)count;
}

/* The page of a written file that holds `offset`, made if it is not there. */
static char *make_page(struct inode *inode, u32 offset)
{
	u32 *frame;

	if (!inode->frames) {
		u32 list = frame_alloc_zeroed();

		if (!list)
			return NULL;
		inode->frames = phys_to_virt(list);
	}
	frame = &inode->frames[offset / PAGE_SIZE];
	if (!*frame)
		*frame = frame_alloc_zeroed();
	return *frame ? phys_to_virt(*frame) : NULL;
}

int inode_write(struct inode *inode, u32 offset, const char *from, u32 count)
{
	u32 done = 0;

	if (inode->image)
		return -E_BADF;		/* part of the kernel image */
	/* Another descriptor may have emptied the file under this one. */
	if (offset > inode->size)
		offset = inode->size;
	while (done < count && offset < FILE_PAGES * PAGE_SIZE) {
		u32 within = offset % PAGE_SIZE;
		u32 part = PAGE_SIZE - within;
		char *page = make_page(inode, offset);

		if (!page)
			break;
		if (part > count - done)
			part = count - done;
		if (copy_from_user(page + within, from + done, part))
			return -E_FAULT;
		done += part;
		offset += part;
		if (offset > inode->size)
			inode->size = offset;
	}
	return done || !count ? (int)done : -E_NOSPC;
}

int sys_unlink(const char *path)
{
	char name[NAME_LENGTH];
	int error = copy_text_from_user(name, path, sizeof(name));
	struct inode *inode = error < 0 ? NULL : inode_find(name);

	if (!inode)
		return -E_NOENT;
	inode->name[0] = 0;	/* gone from the directory at once */
	inode_close(inode);
	return 0;
}

int sys_directory(u32 index, struct lantern_file *to)
{
	for (u32 i = 0; i < INODES; i++) {
		const struct inode *inode = &inodes[i];
		struct lantern_file info = { .size = inode->size };

		if (!inode->users || !inode->name[0] || index--)
			continue;
		copy_text(info.name, inode->name, NAME_LENGTH);
		info.is_program = inode->image && inode->size > 4 &&
				  !memcmp(inode->image, "\177ELF", 4);
		return copy_to_user(to, &info, sizeof(info));
	}
	return -E_NOENT;
}
