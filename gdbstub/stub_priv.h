/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the stub's files share. */
#ifndef GDBSTUB_STUB_PRIV_H
#define GDBSTUB_STUB_PRIV_H

#include "core/debug/debug.h"
#include "gdbstub/frame.h"
#include "gdbstub/gdbstub.h"

enum { REFUSED_MAX = 4, FILES_MAX = 16, PACKET_SIZE = 0x20000 };

/* The rest of a packet that is being parsed. */
struct args {
	char *at;
	size_t len;
};

/* A file that the client has opened. */
struct stub_file {
	bool used;
	int fd;          /* -1: `made' */
	struct buf made; /* a file that is not on disk */
	bool is_kernel;  /* of names only */
	u64 read;	 /* bytes, so far */
};

struct gdbstub {
	struct gdbstub_config cfg;
	struct debug *d;
	struct vm *vm;
	/* server.c */
	int listening, client; /* -1: none */
	int refused[REFUSED_MAX];
	char *unix_path; /* owned */
	struct frame_in in;
	struct buf out;
	struct buf reply; /* content of the next packet */
	u64 session;      /* goes up with each client */
	bool heard;       /* it has begun as debuggers do */
	bool busy;        /* a packet is being served, */
	bool goes;        /* one that lets the guest run until it stops; */
	bool monitors;    /* or a command of the console, */
	bool given_up;    /* whose answer nobody waits for any more */
	bool told_moved;  /* that such a one had moved the guest */
	bool hung_up; /* it is to go, when its end is read */
	bool no_ack, extended;
	bool wants_run, wants_end;
	bool was_running;      /* when the client came, or it let it run */
	bool killed;           /* by vKill; until it runs again */
	bool detached; /* extended mode: runs by itself, the client stays */
	bool asked;    /* stopped only because the client has asked */
	bool ends_with_client; /* killed by one that cannot start it again */
	/* what the client said it knows */
	bool knows_swbreak, knows_hwbreak;
	/* mem.c */
	bool physical;
	/* library.c */
	gla_t rom_told; /* where the client was told the ROM is */
	bool libraries_told;
	bool took_kernel; /* the client has read LIBRARY_KERNEL, */
	bool has_kernel;  /* or has a file of its own, */
	bool late_kernel; /* or is given it as a library */
	/* xfer.c: the document being read in parts */
	struct buf document;
	char document_name[64];
	struct stub_file file[FILES_MAX];
	bool records;        /* btrace.c */
	u64 recorded_at;     /* icount when the client was told last */
	struct trace *trace; /* owned; NULL until there is one */
};

typedef void packet_fn(struct gdbstub *g, struct args *a);
#define PACKET(prefix, form, fn, word, text) packet_fn packet_##fn;
#include "gdbstub/packets.def"

/* ---- packet.c ---- */
void packet_serve(struct gdbstub *g, char *data, size_t len);
/* The words of qSupported. */
void packet_words(struct buf *out);
/* Parsing: each takes what it says off `a', or leaves it and says false. */
bool args_hex(struct args *a, u64 *v);
bool args_char(struct args *a, char c);
bool args_word(struct args *a, const char *word);
/* "ADDR,LEN" of 32 bits each; anything behind stays. */
bool args_range(struct args *a, u32 *addr, u32 *len);
/* Replies. */
void reply(struct gdbstub *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void reply_ok(struct gdbstub *g);
/* "E.text" */
void reply_error(struct gdbstub *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void reply_errno(struct gdbstub *g, unsigned number);

/* ---- server.c ---- */
/* Sends g->reply as a packet, and forgets it. */
void server_send(struct gdbstub *g);
/* Text that gdb shows while it waits. */
void server_say(struct gdbstub *g, const char *text, size_t len);
void server_drop(struct gdbstub *g);
/* Are packets to raise SIGIO? */
void server_async(struct gdbstub *g, bool on);

/* ---- run.c ---- */
/* Does the client see the guest as ended? */
bool run_is_over(struct gdbstub *g);
void run_stop_reply(struct gdbstub *g);

/* ---- xfer.c ---- */
struct xfer {
	const char *name;
	/* Fills the document; false: there is none of that annex. */
	bool (*make)(struct gdbstub *g, const char *annex, struct buf *out);
	const char *text;
};
void xfer_words(struct buf *out);
void xml_text(struct buf *out, const char *text, size_t len);

/* ---- documents ---- */
bool make_features(struct gdbstub *g, const char *annex, struct buf *out);
bool make_memory_map(struct gdbstub *g, const char *annex, struct buf *out);
bool make_threads(struct gdbstub *g, const char *annex, struct buf *out);
bool make_osdata(struct gdbstub *g, const char *annex, struct buf *out);
bool make_libraries(struct gdbstub *g, const char *annex, struct buf *out);
bool make_exec_file(struct gdbstub *g, const char *annex, struct buf *out);
void thread_text(struct gdbstub *g, struct buf *out);

/* ---- trace.c: what the guest was at a hit, when the client looks at one ----
 */
void trace_forget(struct gdbstub *g);
bool trace_is_shown(const struct gdbstub *g);
/* Register r's bytes; false: not collected. */
bool trace_register(struct gdbstub *g, unsigned number, u8 *bytes);
/* Bytes from addr on that were collected. */
u32 trace_memory(struct gdbstub *g, u32 addr, void *to, u32 len);
bool make_traceframe_info(struct gdbstub *g, const char *annex,
			  struct buf *out);
/* ---- btrace.c ---- */
void btrace_forget(struct gdbstub *g);
bool make_btrace(struct gdbstub *g, const char *annex, struct buf *out);
bool make_btrace_conf(struct gdbstub *g, const char *annex, struct buf *out);

/* ---- trace_parse.c ---- */
enum action_kind { ACTION_REGISTERS, ACTION_MEMORY, ACTION_AGENT };
struct trace_action {
	enum action_kind kind;
	bool when_stepping;
	int base; /* MEMORY: register number, -1: none */
	u32 offset, len;
	struct agent *agent;
};
/* "R3ff", "M-1,c0100000,4", "X5,..." one after the other; -1 with the reason.
 * Adds to *list. */
int trace_parse_actions(struct args *a, struct trace_action **list,
			unsigned *count, struct err *e);

/* ---- frames.c ---- */
struct elf_function;
/* A .debug_frame of those functions that have frames, by their code. */
void frames_make(struct gdbstub *g, const struct elf_function *f, size_t count,
		 struct buf *out);

/* ---- library.c ---- */
/* Is the ROM not where the client believes? */
bool library_moved(const struct gdbstub *g);
/* The file of that name, when the stub makes it. */
bool library_file(struct gdbstub *g, const char *path, struct buf *out);
/* A kernel of which only names are known: are there any? */
#define LIBRARY_KERNEL "/vitrine/kernel"
bool library_has_kernel(struct gdbstub *g);

/* ---- files.c ---- */
/* Files of -symbols beside the kernel's, as elements of a library list. */
void files_libraries(struct gdbstub *g, struct buf *out);
void file_close_all(struct gdbstub *g);

#endif
