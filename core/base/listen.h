/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unix socket that waits for clients: the gdb stub's, a serial port's. */
#ifndef CORE_BASE_LISTEN_H
#define CORE_BASE_LISTEN_H

/* The path must fit a socket's address (LISTEN_PATH).  The file, or -1 with
 * errno, and then nothing is left of it; *own is a copy of the path, removed
 * by listen_end(). */
enum { LISTEN_PATH = 107 };
int listen_unix(const char *path, int backlog, char **own);
/* Takes the socket's name away; own may be NULL. */
void listen_end(char *own);

#endif
