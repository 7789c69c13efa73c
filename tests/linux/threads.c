/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two threads with names, which wait for ever: for `info tasks'. */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *name)
{
	pthread_setname_np(pthread_self(), name);
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	static char names[2][8] = {"first", "second"};
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, wait_for_ever, names[i]);
	pthread_join(threads[0], NULL);
	return 0;
}
