/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line to words.  Pure functions of their text; they change it in place,
 * because a command owns its line. */
#include "repl/repl_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *words_trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

char *words_next(char **rest)
{
	char *word = *rest, *end;

	while (isspace((unsigned char)*word))
		word++;
	if (!*word) {
		*rest = word;
		return NULL;
	}
	end = word;
	while (*end && !isspace((unsigned char)*end))
		end++;
	*rest = *end ? end + 1 : end;
	*end = '\0';
	while (isspace((unsigned char)**rest))
		(*rest)++;
	return word;
}

bool words_number(const char *s, u64 *n)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*n = strtoull(s, &end, 0);
	return !*end && !errno;
}

/* Of a character that is one. */
static unsigned hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10;
}

size_t words_unescape(char *s)
{
	static const char from[] = "nrte0\\\"", to[] = "\n\r\t\033\0\\\"";
	char *out = s, *start = s;

	while (*s) {
		const char *known =
			s[0] == '\\' && s[1] ? strchr(from, s[1]) : NULL;

		if (known) {
			*out++ = to[known - from];
			s += 2;
		} else if (s[0] == '\\' && s[1] == 'x' &&
			   isxdigit((unsigned char)s[2]) &&
			   isxdigit((unsigned char)s[3])) {
			*out++ = (char)(hex_digit(s[2]) << 4 | hex_digit(s[3]));
			s += 4;
		} else if (s[0] == '^' && s[1] >= '@' && s[1] <= '_') {
			*out++ = (char)(s[1] & 0x1f);
			s += 2;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
	return (size_t)(out - start);
}

char *words_split_if(char *args)
{
	char *s = args;

	if (!strcmp(s, "if") || !strncmp(s, "if ", 3)) { /* here, if */
		*s = '\0';
		return words_trim(s + 2);
	}
	while ((s = strstr(s, "if"))) {
		if (s > args && strchr(" \t", s[-1]) && strchr(" \t(", s[2])) {
			char *condition = s + 2;

			s[-1] = '\0';
			return words_trim(condition);
		}
		s += 2;
	}
	return NULL;
}
