/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fast client of gdb's remote protocol, to measure stubs and not clients.
 *
 *	rsp tcp:PORT|unix:PATH SECONDS COMMAND...
 *
 * Commands, in order:
 *	send PACKET	await the answer
 *	show PACKET	the same, and print it
 *	rate PACKET[|PACKET...]  repeat them for SECONDS; print rounds a second
 *	bytes PACKET	the same; print MB a second, of an answer in hexadecimal
 *	break MS	let the guest run so long, then Ctrl-C; print the ms
 *until it has stopped */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

static int fd;
static char in[1 << 20];
static size_t have;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "rsp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void dial(const char *where)
{
	int on = 1;

	if (!strncmp(where, "unix:", 5)) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};

		strncpy(to.sun_path, where + 5, sizeof(to.sun_path) - 1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
			die(where);
	} else {
		struct sockaddr_in to = {.sin_family = AF_INET};

		to.sin_port = htons((uint16_t)atoi(where + 4));
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
			die(where);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
}

static char out[4096];

static size_t frame(const char *text)
{
	unsigned char sum = 0;

	for (const char *c = text; *c; c++)
		sum = (unsigned char)(sum + (unsigned char)*c);
	return (size_t)snprintf(out, sizeof(out), "$%s#%02x", text, sum);
}

/* The next packet: its length, its content at *text. */
static size_t receive(char **text)
{
	static size_t seen; /* no `#' before it */

	for (;;) {
		char *from = have ? memchr(in, '$', have) : NULL;
		char *end = from ? memchr(in + seen, '#', have - seen) : NULL;
		ssize_t n;

		seen = end ? (size_t)(end - in) : have;
		if (end && end + 3 <= in + have) {
			size_t used = (size_t)(end + 3 - in);
			static char copy[1 << 20];
			size_t len = (size_t)(end - from - 1);

			memcpy(copy, from + 1, len);
			copy[len] = '\0';
			memmove(in, in + used, have - used);
			have -= used;
			seen = 0;
			*text = copy;
			if (*copy == 'O' && copy[1] != 'K')
				continue;
			return len;
		}
		n = recv(fd, in + have, sizeof(in) - have, 0);
		if (n <= 0)
			die("closed");
		have += (size_t)n;
	}
}

static size_t ask(const char *text, char **answer)
{
	size_t n = frame(text);

	if (send(fd, out, n, 0) != (ssize_t)n)
		die("send");
	return receive(answer);
}

/* Characters that a packet's runs stand for. */
static size_t length(const char *text, size_t len)
{
	size_t all = len;

	for (size_t i = 1; i + 1 < len; i++)
		if (text[i] == '*')
			all += (size_t)(text[i + 1] - 29) - 2;
	return all;
}

int main(int argc, char **argv)
{
	double seconds, begin;
	char *answer;

	if (argc < 4)
		return 2;
	dial(argv[1]);
	seconds = atof(argv[2]);
	send(fd, "+", 1, 0);
	ask("QStartNoAckMode", &answer);
	send(fd, "+", 1, 0);
	for (int i = 3; i < argc; i++) {
		char *what = strtok(argv[i], " "), *rest = strtok(NULL, "");
		double n = 0;

		begin = now();
		if (!strcmp(what, "send")) {
			ask(rest, &answer);
			continue;
		}
		if (!strcmp(what, "show")) {
			ask(rest, &answer);
			printf("%s\n", answer);
		} else if (!strcmp(what, "rate")) {
			while (now() - begin < seconds) {
				char list[512], *next = list, *packet;

				strncpy(list, rest, sizeof(list) - 1);
				while ((packet = strsep(&next, "|")))
					ask(packet, &answer);
				n++;
			}
			printf("%.0f\n", n / (now() - begin));
		} else if (!strcmp(what, "bytes")) {
			while (now() - begin < seconds) {
				size_t len = ask(rest, &answer);

				n += (double)length(answer, len) / 2;
			}
			printf("%.1f\n", n / (now() - begin) / 1e6);
		} else if (!strcmp(what, "break")) {
			size_t len = frame("vCont;c");

			send(fd, out, len, 0);
			usleep((useconds_t)atoi(rest) * 1000);
			begin = now();
			send(fd, "\3", 1, 0);
			receive(&answer);
			printf("%.2f\n", (now() - begin) * 1000);
		}
	}
	return 0;
}
