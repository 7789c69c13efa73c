/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of gdb's remote protocol: $packet#checksum, acknowledgements and
 * the break byte.  Bytes in, values out: no socket. */
#ifndef GDBSTUB_FRAME_H
#define GDBSTUB_FRAME_H

#include "core/base/buf.h"
#include "core/base/types.h"

enum {
	FRAME_MAX = 1 << 20, /* bytes of a packet, as sent */
	FRAME_BREAK = 3,     /* Ctrl-C, outside of packets */
};

/* All zero is an empty reader. */
struct frame_in {
	struct buf bytes; /* received */
	size_t at;        /* of them, those that were read */
};

enum frame {
	FRAME_NONE, /* nothing complete yet */
	FRAME_PACKET,
	FRAME_BAD, /* wrong checksum */
	FRAME_ACK,
	FRAME_NAK,
	FRAME_STOP,    /* the break byte */
	FRAME_TOO_LONG /* no end within FRAME_MAX: give up */
};

void frame_feed(struct frame_in *in, const void *bytes, size_t len);
void frame_free(struct frame_in *in);
/* The next of what came.  A packet's content, escapes undone and ended by a
 * zero byte, is at *data until the next call. */
enum frame frame_next(struct frame_in *in, char **data, size_t *len);
/* Has a packet begun that was not taken yet? */
bool frame_has_packet(const struct frame_in *in);
/* Takes a break byte out of what was not read yet, if one stands outside of
 * packets. */
bool frame_take_break(struct frame_in *in);

/* Appends a packet: escaped, runs shortened. */
void frame_pack(struct buf *out, const void *data, size_t len);

/* "0a1b" to bytes; -1 when it is not that.  And back. */
int hex_digit(char c);
bool hex_decode(const char *text, size_t bytes, void *out);
void hex_encode(struct buf *out, const void *bytes, size_t len);

#endif
