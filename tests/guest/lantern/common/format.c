/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * printf's small brother.
 *
 * One function does the work and knows nothing of where the characters go:
 * the kernel passes a function that writes to the console, a program one that
 * fills a buffer.  Numbers are made backwards, from the last digit, in a
 * little buffer on the stack.
 */
#include "string.h"

struct field {
	u32 width;
	bool left;		/* '-': pad on the right */
	char fill;		/* ' ' or '0' */
};

static void put_field(put_function put, void *context, struct field field,
		      const char *text, u32 length)
{
	u32 padding = field.width > length ? field.width - length : 0;

	for (u32 i = 0; !field.left && i < padding; i++)
		put(context, field.fill);
	for (u32 i = 0; i < length; i++)
		put(context, text[i]);
	for (u32 i = 0; field.left && i < padding; i++)
		put(context, ' ');
}

static void put_number(put_function put, void *context, struct field field,
		       u64 value, u32 base, bool negative)
{
	char digits[24];
	u32 at = sizeof(digits), digit;

	do {
		value = divide_u64(value, base, &digit);
		digits[--at] = "0123456789abcdef"[digit];
	} while (value);
	if (negative)
		digits[--at] = '-';
	put_field(put, context, field, digits + at, sizeof(digits) - at);
}

static const char *read_field(const char *how, struct field *field)
{
	*field = (struct field){ .fill = ' ' };
	for (;; how++) {
		if (*how == '-')
			field->left = true;
		else if (*how == '0')
			field->fill = '0';
		else
			break;
	}
	while (*how >= '0' && *how <= '9')
		field->width = field->width * 10 + (u32)(*how++ - '0');
	return how;
}

void format(put_function put, void *context, const char *how, va_list args)
{
	struct field field;

	for (; *how; how++) {
		if (*how != '%') {
			put(context, *how);
			continue;
		}
		how = read_field(how + 1, &field);
		if (!strncmp(how, "llu", 3)) {
			put_number(put, context, field, va_arg(args, u64), 10,
				   false);
			how += 2;
		} else if (*how == 'd') {
			int value = va_arg(args, int);
			u32 size = value < 0 ? -(u32)value : (u32)value;

			put_number(put, context, field, size, 10, value < 0);
		} else if (*how == 'u' || *how == 'x') {
			put_number(put, context, field, va_arg(args, u32),
				   *how == 'u' ? 10 : 16, false);
		} else if (*how == 's') {
			const char *text = va_arg(args, const char *);

			put_field(put, context, field, text, strlen(text));
		} else if (*how == 'c') {
			put(context, (char)va_arg(args, int));
		} else if (*how == '%') {
			put(context, '%');
		} else {
			return;		/* a format that we do not know */
		}
	}
}

struct buffer {
	char *next;
	char *last;		/* kept for the NUL */
};

static void put_in_buffer(void *context, char c)
{
	struct buffer *buffer = context;

	if (buffer->next < buffer->last)
		*buffer->next++ = c;
}

u32 format_text(char *to, u32 size, const char *how, ...)
{
	struct buffer buffer = { to, to + size - 1 };
	va_list args;

	va_start(args, how);
	format(put_in_buffer, &buffer, how, args);
	va_end(args);
	*buffer.next = 0;
	return buffer.next - to;
}
