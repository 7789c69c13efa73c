/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files, from the program's side.
 *
 * A program says "descriptor 1" and does not care what that is.  Descriptors
 * are indices into the process's own small array, which points to open files.
 * An open file may be shared, by fork or dup2, and so has a count of its
 * users; it leads to one of three kinds of thing.
 *
 *   process.files[1] --> struct file --> console (tty.c)
 *                        kind, users     inode   (ramfs.c)
 *                        offset          pipe    (pipe.c)
 */
#include "kernel.h"

enum file_kind { FREE_FILE, CONSOLE, INODE, PIPE_READER, PIPE_WRITER };
enum { OPEN_FILES = 128 };

struct file {
	enum file_kind kind;
	u32 users;
	u32 offset;
	union {
		struct inode *inode;
		struct pipe *pipe;
	};
};

static struct file files[OPEN_FILES];

static struct file *file_alloc(enum file_kind kind)
{
	for (u32 i = 0; i < OPEN_FILES; i++)
		if (files[i].kind == FREE_FILE) {
			files[i] = (struct file){ .kind = kind, .users = 1 };
			return &files[i];
		}
	return NULL;
}

void file_share(struct file *file)
{
	file->users++;
}

void file_close(struct file *file)
{
	if (--file->users)
		return;
	if (file->kind == INODE)
		inode_close(file->inode);
	else if (file->kind != CONSOLE)
		pipe_close(file->pipe, file->kind == PIPE_WRITER);
	file->kind = FREE_FILE;
}

/* Descriptors 0, 1 and 2 of the first process; all others inherit them. */
void file_attach_console(struct process *process)
{
	struct file *console = file_alloc(CONSOLE);

	console->users = 3;
	for (u32 i = 0; i < 3; i++)
		process->files[i] = console;
}

static struct file *file_of(int fd)
{
	return fd >= 0 && fd < PROCESS_FILES ? current->files[fd] : NULL;
}

/* The lowest free descriptor now means `file`. */
static int install(struct file *file)
{
	for (int fd = 0; fd < PROCESS_FILES; fd++)
		if (!current->files[fd]) {
			current->files[fd] = file;
			return fd;
		}
	return -E_MFILE;
}

int sys_read(int fd, char *to, u32 count)
{
	struct file *file = file_of(fd);
	int done;

	switch (file ? file->kind : FREE_FILE) {
	case CONSOLE:
		return tty_read(to, count);
	case PIPE_READER:
		return pipe_read(file->pipe, to, count);
	case INODE:
		done = inode_read(file->inode, file->offset, to, count);
		break;
	default:
		return -E_BADF;
	}
	if (done > 0)
		file->offset += (u32)done;
	return done;
}

int sys_write(int fd, const char *from, u32 count)
{
	struct file *file = file_of(fd);
	int done;

	switch (file ? file->kind : FREE_FILE) {
	case CONSOLE:
		return tty_write(from, count);
	case PIPE_WRITER:
		return pipe_write(file->pipe, from, count);
	case INODE:
		done = inode_write(file->inode, file->offset, from, count);
		break;
	default:
		return -E_BADF;
	}
	if (done > 0)
		file->offset += (u32)done;
	return done;
}

int sys_open(const char *path, u32 flags)
{
	char name[NAME_LENGTH];
	int error = copy_text_from_user(name, path, sizeof(name));
	struct inode *inode;
	struct file *file;
	int fd;

	if (error < 0)
		return error == -E_2BIG ? -E_INVAL : error;
	inode = inode_open(name, flags & OPEN_CREATE);
	if (!inode)
		return flags & OPEN_CREATE ? -E_NOSPC : -E_NOENT;
	file = file_alloc(INODE);
	if (!file) {
		inode_close(inode);
		return -E_MFILE;
	}
	file->inode = inode;
	fd = install(file);
	if (fd < 0)
		file_close(file);
	return fd;
}

int sys_close(int fd)
{
	struct file *file = file_of(fd);

	if (!file)
		return -E_BADF;
	current->files[fd] = NULL;
	file_close(file);
	return 0;
}

int sys_dup2(int from, int to)
{
	struct file *file = file_of(from);

	if (!file || to < 0 || to >= PROCESS_FILES)
		return -E_BADF;
	if (from == to)
		return to;
	file_share(file);
	sys_close(to);
	current->files[to] = file;
	return to;
}

/* Installs both ends, or none. */
static int install_pipe(struct file *reader, struct file *writer, int *fds)
{
	int made[2] = { install(reader), install(writer) };

	if (made[0] >= 0 && made[1] >= 0 &&
	    !copy_to_user(fds, made, sizeof(made)))
		return 0;
	if (made[0] >= 0)
		current->files[made[0]] = NULL;
	if (made[1] >= 0)
		current->files[made[1]] = NULL;
	return made[1] < 0 ? -E_MFILE : -E_FAULT;
}

int sys_pipe(int *fds)
{
	struct pipe *pipe = pipe_create();
	struct file *reader, *writer;
	int error = -E_MFILE;

	if (!pipe)
		return -E_NOMEM;
	reader = file_alloc(PIPE_READER);
	writer = file_alloc(PIPE_WRITER);
	if (reader && writer) {
		reader->pipe = writer->pipe = pipe;
		error = install_pipe(reader, writer, fds);
	}
	if (!error)
		return 0;
	if (reader)
		reader->kind = FREE_FILE;
	if (writer)
		writer->kind = FREE_FILE;
	pipe_close(pipe, false);
	pipe_close(pipe, true);
	return error;
}
