/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question to the person at the terminal, answered by one key.
 *
 * The machine waits in its system call and does not read the terminal.  It
 * cannot type the answer either: its filter lets no input be faked.  It could
 * print a misleading line above the question, which is why the question says
 * who asks. */
#include "core/sandbox/sandbox_priv.h"

#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static char read_key(void)
{
	struct pollfd p = {STDIN_FILENO, POLLIN, 0};
	char key = 'n';

	if (poll(&p, 1, PATIENCE_MS) != 1 || read(STDIN_FILENO, &key, 1) != 1)
		return 'n';
	return key;
}

bool ask_person(const char *question)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	struct termios was, t;
	char text[512], key;

	if (strlen(question) >= sizeof(text))
		return false; /* it could not be seen whole */
	strcpy(text, question);
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	pthread_mutex_lock(&one);
	if (tcgetattr(STDIN_FILENO, &was)) {
		pthread_mutex_unlock(&one);
		return false;
	}
	t = was;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	t.c_oflag |= OPOST | ONLCR;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	/* What was typed before the question is no answer to it. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
	dprintf(STDIN_FILENO, "\nvitrine's sandbox asks: %s? [y/N] ", text);
	key = read_key();
	dprintf(STDIN_FILENO, "%s\n", key == 'y' || key == 'Y' ? "yes" : "no");
	tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
	pthread_mutex_unlock(&one);
	return key == 'y' || key == 'Y';
}
