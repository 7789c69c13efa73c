/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's escape sequences are followed as far as the console must know
 * them: it may be asked for in the middle of a full-screen editor, with the
 * alternate screen shown, the cursor hidden, colours set and the cursor keys
 * in another mode.  Then all that is undone, and the modes are put back when
 * the guest goes on.  The picture is not: a program that paints is asked to
 * paint again by its user (Ctrl-L).
 *
 * Nothing is sent to a terminal whose guest has sent no escape sequence, so
 * plain guests work at plain terminals.
 *
 * Sequences: ECMA-48 5.4 (CSI), DEC STD 070 (private modes). */
#include "repl/term/screen.h"

#include <string.h>

#include "core/base/check.h"

enum { ESC = 0x1b, SHIFT_OUT = 0x0e };
enum { TEXT, ESCAPE, CSI, CHARSET, STRING, STRING_ESCAPE };

static const struct mode {
	u16 number;
	bool begins_set;
} modes[] = {
	{1, false},  /* cursor keys send application codes */
	{7, true},   /* lines wrap */
	{25, true},  /* cursor shown */
	{47, false}, /* alternate screen, three kinds of it */
	{1047, false}, {1049, false}, {1000, false}, /* mouse reports */
	{1002, false}, {1003, false}, {1006, false},
	{2004, false}, /* pasted text in brackets */
};

static void note_mode(struct screen *s, unsigned number, bool set)
{
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (modes[i].number == number) {
			s->modes &= ~(1u << i);
			s->modes |= (unsigned)(set != modes[i].begins_set) << i;
		}
}

bool screen_is_alternate(const struct screen *s)
{
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (s->modes >> i & 1 &&
		    (modes[i].number == 47 || modes[i].number == 1047 ||
		     modes[i].number == 1049))
			return true;
	return false;
}

/* The last byte of a control sequence says what it does. */
static void control(struct screen *s, u8 final)
{
	switch (final) {
	case 'h':
	case 'l':
		for (unsigned i = 0; s->is_private && i <= s->count; i++)
			note_mode(s, s->parameter[i], final == 'h');
		break;
	case 'm':
		s->has_colour = s->parameter[s->count];
		break;
	case 'r':
		s->has_region = !s->is_private && s->parameter[0];
		break;
	case 'H':
	case 'f':
	case 'd':
		s->is_painted = true;
		break;
	}
}

static void in_csi(struct screen *s, u8 byte)
{
	if (byte >= '0' && byte <= '9') {
		u16 *p = &s->parameter[s->count];

		if (*p < 6000)
			*p = (u16)(*p * 10 + byte - '0');
	} else if (byte == ';') {
		if (s->count < SCREEN_PARAMETERS - 1)
			s->parameter[++s->count] = 0;
	} else if (byte == '?') {
		s->is_private = true;
	} else if (byte >= 0x40 && byte <= 0x7e) {
		s->state = TEXT;
		control(s, byte);
	} else if (byte < 0x20 || byte > 0x7e) {
		s->state = byte == ESC ? ESCAPE : TEXT;
	}
}

static void in_escape(struct screen *s, u8 byte)
{
	s->state = TEXT;
	switch (byte) {
	case '[':
		s->state = CSI;
		s->is_private = false;
		s->count = 0;
		s->parameter[0] = 0;
		break;
	case '(':
	case ')':
		s->state = CHARSET;
		break;
	case ']':
	case 'P':
		s->state = STRING;
		break;
	case '=':
	case '>':
		s->has_keypad = byte == '=';
		break;
	case 'c': /* everything as it began */
		*s = (struct screen){0};
		break;
	}
}

void screen_saw(struct screen *s, u8 byte)
{
	switch (s->state) {
	case TEXT:
		if (byte == ESC)
			s->state = ESCAPE;
		else if (byte == SHIFT_OUT)
			s->has_charset = true;
		else if (byte != '\r')
			s->is_mid_line = byte != '\n';
		break;
	case ESCAPE:
		in_escape(s, byte);
		break;
	case CSI:
		in_csi(s, byte);
		break;
	case CHARSET:
		s->has_charset |= byte != 'B';
		s->state = TEXT;
		break;
	case STRING: /* a title; up to BEL or ESC \ */
		if (byte == ESC)
			s->state = STRING_ESCAPE;
		else if (byte == 7 || byte == 0x18)
			s->state = TEXT;
		break;
	default:
		s->state = TEXT;
	}
}

static void put_modes(const struct screen *s, bool back, struct buf *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (s->modes >> i & 1)
			buf_printf(out, "\033[?%u%c", modes[i].number,
				   modes[i].begins_set == back ? 'l' : 'h');
}

void screen_leave(struct screen *s, struct buf *out)
{
	if (s->state != TEXT)
		buf_byte(out, 0x18); /* CAN: half a sequence is dropped */
	s->state = TEXT;
	if (s->has_region)
		buf_printf(out, "\0337\033[r\0338");
	if (s->has_charset)
		buf_printf(out, "\017\033(B");
	if (s->has_colour)
		buf_printf(out, "\033[m");
	if (s->has_keypad)
		buf_printf(out, "\033>");
	put_modes(s, false, out);
	if (s->is_painted && !screen_is_alternate(s)) /* to the last line */
		buf_printf(out, "\033[999;1H\n");
	else if (s->is_mid_line)
		buf_byte(out, '\n');
	s->is_painted = s->is_mid_line = false;
	s->has_colour = s->has_region = s->has_charset = false;
}

void screen_return(const struct screen *s, struct buf *out)
{
	put_modes(s, true, out);
	if (s->has_keypad)
		buf_printf(out, "\033=");
}
