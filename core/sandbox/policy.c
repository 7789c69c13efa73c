/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the locked machine may do with names, as docs/security.md promises.
 *
 * Reading: what the user named and what is beside it; what is below the
 * working directory; what every user of this computer may read.  Writing: what
 * the user named in a command to write it; what this run made; new files below
 * the working directory and the directory for temporary files.  A name that
 * begins with a dot is never free.  What is left is asked of the person at the
 * terminal, and refused where there is none.
 *
 * Everything here is judged by resolved paths.  Errands ask from a thread of
 * their own, so the lists are locked. */
#include "core/sandbox/sandbox_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX = 7, SAID_MAX = 1 << 20, QUESTION_MAX = PATH_MAX + 80 };

/* One thing that may be used; texts are resolved paths, or commands. */
struct grant {
	struct grant *next;
	enum sandbox_right right;
	bool writes; /* a file of a command that writes it; ours */
	char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct grant *grants;
static size_t said_bytes;
static char *working, *temporary; /* NULL: not free */
static bool asks;
static char refused_last[PATH_MAX];

/* ---- paths ---- */

char *policy_resolve(const char *path)
{
	char *real = realpath(path, NULL), *copy, *slash, *dir, *whole = NULL;

	if (real || errno != ENOENT)
		return real;
	copy = strdup(path);
	for (size_t n = copy ? strlen(copy) : 0; n > 1 && copy[n - 1] == '/';)
		copy[--n] = '\0';
	slash = copy ? strrchr(copy, '/') : NULL;
	if (slash)
		*slash = '\0';
	dir = !copy ? NULL
		    : realpath(slash == copy ? "/"
			       : slash       ? copy
					     : ".",
			       NULL);
	if (dir) {
		const char *name = slash ? slash + 1 : copy;
		struct stat st;

		if (!strcmp(name, "..") || !strcmp(name, ".") || !*name ||
		    asprintf(&whole, "%s/%s", dir[1] ? dir : "", name) < 0)
			whole = NULL;
		errno = ENOENT;
		if (whole && !lstat(whole, &st)) { /* a link to nothing */
			free(whole);
			whole = NULL;
		}
	}
	free(dir);
	free(copy);
	return whole;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	return n && !strncmp(path, dir, n) && path[n] == '/';
}

/* Below it, with no name that begins with a dot in between. */
static bool is_openly_below(const char *path, const char *dir)
{
	return is_below(path, dir) && !strstr(path + strlen(dir), "/.");
}

/* May everybody read it? Files that say more to their owner than their rights
 * tell are not among them. */
static bool is_public(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	if (is_below(path, "/proc") || is_below(path, "/dev") ||
	    (is_below(path, "/sys") &&
	     !is_below(path, "/sys/devices/system")) ||
	    strlen(path) >= sizeof(part))
		return false;
	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (stat(part, &st) || !(st.st_mode & S_IXOTH))
			return false;
	}
	return !stat(path, &st) && st.st_mode & S_IROTH;
}

/* ---- what the user said ---- */

static bool command_writes(const char *line)
{
	static const char *const writers[] = {"save", "dump", "trace"};
	char word[16];
	size_t n;

	if (sscanf(line, " %15[a-z]", word) != 1)
		return false;
	n = strlen(word);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		if (n > 1 && !strncmp(writers[i], word, n))
			return true;
	return false;
}

static bool leads_to(const char *name, const char *resolved)
{
	char *real = policy_resolve(name);
	bool same = real && !strcmp(real, resolved);

	free(real);
	return same;
}

/* Is the file named in the line, as one word or as all from a word on? */
static bool line_names(const char *line, const char *resolved)
{
	static const char between[] = " \t\r\n,='\"`";
	char word[PATH_MAX];
	size_t n;

	for (; *line; line += n) {
		line += strspn(line, between);
		n = strcspn(line, between);
		if (!n || n >= sizeof(word))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)n, line);
		if (leads_to(word, resolved))
			return true;
		if (strrchr(word, '@')) {
			*strrchr(word, '@') = '\0';
			if (leads_to(word, resolved))
				return true;
		}
		if (strlen(line) >= sizeof(word))
			continue;
		strcpy(word, line);
		word[strcspn(word, "\r\n")] = '\0';
		if (leads_to(word, resolved))
			return true;
	}
	return false;
}

/* Is the line the command, perhaps shortened, with that after it? */
static bool line_is(const char *line, const char *verb, const char *rest)
{
	const char *at = line + strspn(line, " \t");
	size_t n = *at == '!' ? 0 : strcspn(at, " \t\r\n");

	if (*at != '!' && (n < 2 || strncmp(at, verb, n)))
		return false;
	at += n + (*at == '!');
	at += strspn(at, " \t");
	n = strlen(rest);
	return !strncmp(at, rest, n) && !at[n + strspn(at + n, " \t\r\n")];
}

bool sandbox_was_said(const char *verb, const char *rest)
{
	bool was = false;

	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g && !was; g = g->next)
		was = g->right == SANDBOX_SAID && line_is(g->text, verb, rest);
	pthread_mutex_unlock(&lock);
	return was;
}

/* ---- grants ---- */

/* One that is told twice is kept once, or a machine could fill the memory. */
static void add(enum sandbox_right right, const char *text, bool writes)
{
	struct grant *g;

	if (right == SANDBOX_SAID) {
		said_bytes += strlen(text);
		if (said_bytes > SAID_MAX)
			return;
	}
	for (g = grants; g; g = g->next)
		if (g->right == right && g->writes == writes &&
		    !strcmp(g->text, text))
			return;
	g = malloc(sizeof(*g) + strlen(text) + 1);
	if (!g)
		return;
	g->right = right;
	g->writes = writes;
	strcpy(g->text, text);
	g->next = grants;
	grants = g;
}

static bool is_own(enum sandbox_right right)
{
	return right == SANDBOX_OWN || right == SANDBOX_OWN_BELOW ||
	       right == SANDBOX_LEAVES;
}

void policy_grant(enum sandbox_right right, const char *text)
{
	char *resolved =
		right == SANDBOX_SAID ? strdup(text) : policy_resolve(text);

	pthread_mutex_lock(&lock);
	if (resolved)
		add(right, resolved,
		    is_own(right) ||
			    (right == SANDBOX_SAID && command_writes(text)));
	pthread_mutex_unlock(&lock);
	free(resolved);
}

void policy_made(const char *resolved, bool temporary_one)
{
	struct stat st;

	if (!stat(resolved, &st))
		policy_grant(S_ISDIR(st.st_mode) ? SANDBOX_OWN_BELOW
			     : temporary_one     ? SANDBOX_LEAVES
						 : SANDBOX_OWN,
			     resolved);
}

static void forget(const char *path)
{
	for (struct grant **at = &grants; *at;) {
		struct grant *g = *at;

		if (is_own(g->right) && !strcmp(g->text, path)) {
			*at = g->next;
			free(g);
		} else {
			at = &g->next;
		}
	}
}

void policy_gone(const char *resolved)
{
	pthread_mutex_lock(&lock);
	forget(resolved);
	pthread_mutex_unlock(&lock);
}

void policy_clean_up(void)
{
	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g; g = g->next)
		if (g->right == SANDBOX_LEAVES)
			unlink(g->text);
	/* Nobody else gets here, or it could be done twice. */
}

void policy_moved(const char *from, const char *to)
{
	pthread_mutex_lock(&lock);
	forget(from);
	add(SANDBOX_OWN, to, true);
	pthread_mutex_unlock(&lock);
}

static bool grant_covers(const struct grant *g, const char *path)
{
	switch (g->right) {
	case SANDBOX_SAID:
		return line_names(g->text, path);
	case SANDBOX_OWN_BELOW:
		return is_below(path, g->text) || !strcmp(path, g->text);
	default:
		return !strcmp(path, g->text);
	}
}

static bool granted(const char *path, bool writes)
{
	bool yes = false;

	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g && !yes; g = g->next)
		yes = (g->writes || !writes) && grant_covers(g, path);
	pthread_mutex_unlock(&lock);
	return yes;
}

static bool is_ours(const char *path)
{
	bool yes = false;

	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g && !yes; g = g->next)
		yes = is_own(g->right) && grant_covers(g, path);
	pthread_mutex_unlock(&lock);
	return yes;
}

bool sandbox_has_made(const char *path)
{
	char *resolved = policy_resolve(path);
	bool yes = resolved && is_ours(resolved);

	free(resolved);
	return yes;
}

/* Beside a file that the user named. */
static bool is_beside(const char *path)
{
	bool yes = false;

	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g && !yes; g = g->next) {
		char dir[PATH_MAX];
		char *slash;

		if (g->right != SANDBOX_READ || strlen(g->text) >= sizeof(dir))
			continue;
		strcpy(dir, g->text);
		slash = strrchr(dir, '/');
		*slash = '\0';
		yes = is_openly_below(path, dir);
	}
	pthread_mutex_unlock(&lock);
	return yes;
}

/* So that "Permission denied" is no riddle; once, if it is tried again. */
static void say_refused(const char *what, const char *path)
{
	if (!strcmp(path, refused_last))
		return;
	snprintf(refused_last, sizeof(refused_last), "%s", path);
	dprintf(STDERR_FILENO, "vitrine: the sandbox does not let it %s ",
		what);
	for (; *path; path++)
		dprintf(STDERR_FILENO, "%c", iscntrl((u8)*path) ? '?' : *path);
	dprintf(STDERR_FILENO, " (docs/security.md; -sandbox off does)\n");
}

static bool allowed_by_person(const char *what, const char *path, bool writes)
{
	char question[QUESTION_MAX];

	snprintf(question, sizeof(question), "%s %s", what, path);
	if (!asks)
		say_refused(what, path);
	if (!sandbox_ask(question))
		return false;
	pthread_mutex_lock(&lock);
	add(writes ? SANDBOX_OWN : SANDBOX_READ, path, writes);
	pthread_mutex_unlock(&lock);
	return true;
}

/* ---- what may be done ---- */

bool policy_may_read(const char *path)
{
	return is_openly_below(path, working) ||
	       is_openly_below(path, temporary) || granted(path, false) ||
	       is_beside(path) || is_public(path) ||
	       !fnmatch("/dev/shm/lttng-ust-wait-*", path, FNM_PATHNAME) ||
	       allowed_by_person("read", path, false);
}

bool policy_is_named(const char *path)
{
	return granted(path, false);
}

/* Names are no secrets here: they are completed as they are typed. */
bool policy_may_list(const char *path)
{
	return !is_below(path, "/proc");
}

/* "NAME.XXXXXX", which becomes NAME when it is whole: NAME decides. */
static bool without_suffix(const char *path, char base[PATH_MAX])
{
	size_t n = strlen(path);

	if (n <= SUFFIX || n >= PATH_MAX || path[n - SUFFIX] != '.' ||
	    strchr(path + n - SUFFIX, '/'))
		return false;
	snprintf(base, PATH_MAX, "%.*s", (int)(n - SUFFIX), path);
	return true;
}

static bool is_free(const char *path)
{
	return is_openly_below(path, working) ||
	       is_openly_below(path, temporary);
}

bool policy_may_write(const char *path, bool exists)
{
	char base[PATH_MAX];

	if (is_ours(path) || granted(path, true) || (!exists && is_free(path)))
		return true;
	if (!exists && without_suffix(path, base))
		return granted(base, true) ||
		       allowed_by_person("write to", base, true);
	return allowed_by_person("write to", path, true);
}

static bool is_saved_machine(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char magic[8] = "";
	bool yes = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		   !memcmp(magic, "VITRINE", sizeof(magic));

	if (fd >= 0)
		close(fd);
	return yes;
}

bool policy_may_replace(const char *from, const char *to)
{
	struct stat st;

	if (!is_ours(from) || lstat(from, &st) || !S_ISREG(st.st_mode))
		return false;
	if (!lstat(to, &st) && S_ISREG(st.st_mode) && is_free(to) &&
	    is_saved_machine(to))
		return true;
	return policy_may_write(to, !lstat(to, &st));
}

bool policy_may_remove(const char *path)
{
	return is_ours(path);
}

bool policy_may_run(int fd)
{
	char link[32], path[PATH_MAX];
	struct stat open_one, named;
	bool yes = false;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || fstat(fd, &open_one) || !S_ISREG(open_one.st_mode))
		return false;
	path[n] = '\0';
	if (lstat(path, &named) || named.st_ino != open_one.st_ino ||
	    named.st_dev != open_one.st_dev || is_ours(path))
		return false;
	pthread_mutex_lock(&lock);
	for (const struct grant *g = grants; g && !yes; g = g->next)
		yes = g->right == SANDBOX_CODE && !strcmp(g->text, path);
	pthread_mutex_unlock(&lock);
	return yes || (!open_one.st_uid && !(open_one.st_mode & 022) &&
		       (is_below(path, "/usr") || is_below(path, "/lib") ||
			is_below(path, "/lib64")));
}

/* Where a session daemon of the user's or of root's takes programs. */
bool policy_may_connect(const char *path)
{
	const char *home = getenv("LTTNG_HOME");
	char place[PATH_MAX];

	if (!fnmatch("/var/run/lttng/lttng-ust-sock-*", path, FNM_PATHNAME) ||
	    !fnmatch("/run/lttng/lttng-ust-sock-*", path, FNM_PATHNAME))
		return true;
	if (!home)
		home = getenv("HOME");
	snprintf(place, sizeof(place), "%s/.lttng/lttng-ust-sock-",
		 home ? home : "");
	return home && !strncmp(path, place, strlen(place)) &&
	       !strchr(path + strlen(place), '/');
}

/* ---- beginning ---- */

bool sandbox_ask(const char *question)
{
	return asks && ask_person(question);
}

/* All of a computer is nobody's place to work. */
static char *place(const char *path)
{
	char *real = realpath(path, NULL);

	if (real && !real[1]) {
		free(real);
		real = NULL;
	}
	return real;
}

void policy_begin(bool may_ask)
{
	const char *tmp = getenv("TMPDIR");

	asks = may_ask;
	working = place(".");
	temporary = place(tmp && *tmp ? tmp : "/tmp");
}
