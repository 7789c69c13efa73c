/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes and unmakes a translator; breakpoints; text about it. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <asm/hwcap2.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { USED = PROT_READ | PROT_WRITE };

static void *reserve(u64 size, int prot, struct err *e)
{
	void *p = mmap(NULL, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		err_set(e, "translator memory: %s", strerror(errno));
		return NULL;
	}
	return p;
}

static int init_tables(struct bt *bt, struct err *e)
{
	bt->meta_size = bt->cfg.code_size / 2 * 3;
	while (64ull << bt->index_bits < bt->cfg.code_size)
		bt->index_bits++;
	bt->block_max = (3u << bt->index_bits) / 4;
	bt->index = reserve(sizeof(*bt->index) << bt->index_bits, USED, e);
	bt->meta = reserve(bt->meta_size, USED, e);
	bt->order = reserve(bt->block_max * sizeof(*bt->order), USED, e);
	bt->edges = reserve(EDGES_MAX * sizeof(*bt->edges), USED, e);
	bt->page_blocks =
		reserve((1u << 20) * sizeof(*bt->page_blocks), USED, e);
	bt->jump_cache =
		reserve(JUMP_CACHE_SIZE * sizeof(*bt->jump_cache), USED, e);
	bt->nowhere = reserve(5ull << 30, PROT_NONE, e);
	return bt->index && bt->meta && bt->order && bt->edges &&
			       bt->page_blocks && bt->jump_cache && bt->nowhere
		       ? 0
		       : -1;
}

/* No shadow of STI or of a load of SS, no debug trap. */
static void nothing_due(struct bt *bt)
{
	bt->live->sti_eip = ~0u;
	bt->ss_icount = ~0ull;
	bt->debug_trap = 0;
	bt->kick = 0;
}

/* Code memory: stubs and blocks, ways out, a temporary block. */
static void divide(struct bt *bt)
{
	u64 temporary = BLOCK_ROOM + WAYS_ROOM, least = 2 * WAYS_ROOM;
	u64 ways = (bt->code_size - temporary) / 32 * WAYS;

	bt->temp_x = bt->code_x + bt->code_size - temporary;
	bt->ways_x = bt->temp_x - (ways > least ? ways : least);
}

struct bt *bt_new(const struct bt_config *cfg, struct err *e)
{
	struct bt *bt = calloc(1, sizeof(*bt));

	if (!bt) {
		err_set(e, "no memory");
		return NULL;
	}
	bt->cfg = *cfg;
	if (bt->cfg.max_insns < 1 || bt->cfg.max_insns > BLOCK_INSNS)
		bt->cfg.max_insns = BLOCK_INSNS;
	if (codemem_init(bt, e) < 0 || init_tables(bt, e) < 0) {
		bt_free(bt);
		return NULL;
	}
	divide(bt);
	bt->emit.delta = bt->code_x - bt->code_w;
	bt->emit.end = codemem_written(bt, bt->ways_x);
	bt->ways.delta = bt->emit.delta;
	bt->ways.end = codemem_written(bt, bt->temp_x);
	bt->has_shrx = __builtin_cpu_supports("bmi2");
	bt->has_gs = cfg->gs && getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
	stubs_emit(bt);
	if (link_init(bt, e) < 0) {
		bt_free(bt);
		return NULL;
	}
	nothing_due(bt);
	return bt;
}

void bt_free(struct bt *bt)
{
	if (!bt)
		return;
	fault_set_current(NULL);
	if (bt->cpu && bt->cpu->mem)
		window_free(bt->cpu->mem);
	codemem_free(bt);
	breaks_free(bt);
	recent_free(bt);
	profile_free(bt);
	free(bt);
}

struct cpu *bt_cpu(struct bt *bt)
{
	return bt->cpu;
}

static bool ask_watched(void *arg, gla_t lin, unsigned len, bool write,
			bool tell)
{
	struct bt *bt = arg;
	bool guest = debugreg_data(bt, lin, len, write, tell);

	return (bt->on_watch &&
		bt->on_watch(bt->watch_arg, lin, len, write, tell)) ||
	       guest;
}

void bt_on_watch(struct bt *bt,
		 bool (*fn)(void *arg, gla_t lin, unsigned len, bool write,
			    bool tell),
		 void *arg)
{
	bt->on_watch = fn;
	bt->watch_arg = arg;
}

void bt_on_exception(struct bt *bt, bool (*fn)(void *arg), void *arg)
{
	bt->on_exception = fn;
	bt->exception_arg = arg;
}

int bt_attach(struct bt *bt, struct err *e)
{
	struct mem *m = bt->cpu->mem;
	struct mem_hooks hooks = {.arg = bt,
				  .code_written = cache_code_written,
				  .unmapped = link_unmapped,
				  .watched = ask_watched};

	if (window_init(m, bt->cfg.windows, e) < 0)
		return -1;
	mem_set_hooks(m, &hooks);
	bt->live->reach_age = (u64)(uintptr_t)mem_reach_age(m);
	cache_reset(bt);
	return 0;
}

void bt_flush(struct bt *bt, const char *why)
{
	bt->stats.flushes++;
	TRACE(bt_flush, .why = why, .blocks = bt->block_count);
	cache_reset(bt);
}

void bt_forget(struct bt *bt)
{
	bt_flush(bt, "forget");
	link_forget_tables(bt);
	site_forget_all(bt);
}

void bt_reset(struct bt *bt)
{
	bt_forget(bt);
	nothing_due(bt);
}

const struct state_field bt_due_state[] = {
	STATE(struct bt_due, sti_eip, STATE_ANY),
	STATE(struct bt_due, debug_trap, STATE_ANY),
	STATE(struct bt_due, ss_icount, STATE_ANY),
	STATE_END,
};

struct bt_due bt_due(const struct bt *bt)
{
	return (struct bt_due){bt->live->sti_eip, bt->debug_trap,
			       bt->ss_icount};
}

void bt_set_due(struct bt *bt, const struct bt_due *due)
{
	bt->live->sti_eip = due->sti_eip;
	bt->debug_trap = due->debug_trap;
	bt->ss_icount = due->ss_icount;
}

/* Translations that run over `lin` must stop there, or no longer. */
void bt_forget_at(struct bt *bt, gla_t lin)
{
	in_line_forget_at(bt, lin);
	for (u32 i = 0; i < bt->block_count; i++) {
		struct block *b = bt->order[i];

		if (!b->dead && lin - b->lin < b->guest_len)
			cache_kill(bt, b, TRACE_invalidate_BREAKPOINT);
	}
}

void bt_stats_reset(struct bt *bt)
{
	bt->stats = bt->seen = (struct bt_stats){0};
}

const struct bt_stats *bt_stats(const struct bt *bt)
{
	return &bt->stats;
}

void bt_show_exits(const struct bt *bt, bt_print *out, void *to)
{
	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		if (bt->stats.exits[i])
			out(to, "%-10s %12llu  %s\n", bt_exit_name(i),
			    (unsigned long long)bt->stats.exits[i],
			    bt_exit_text(i));
}

void bt_show_counts(const struct bt *bt, bt_print *out, void *to)
{
	const struct bt_stats *s = &bt->stats;

	out(to,
	    "%u blocks, %llu made, %llu died, %llu flushes, code %llu of %llu "
	    "KiB\n",
	    bt->block_count, (unsigned long long)s->blocks,
	    (unsigned long long)s->invalidated, (unsigned long long)s->flushes,
	    (unsigned long long)(bt->emit.at - bt->code_w + bt->ways.at -
				 codemem_written(bt, bt->ways_x)) >> 10,
	    (unsigned long long)bt->code_size >> 10);
}

void bt_show_mode(u32 mode, bt_print *out, void *to)
{
	static const struct {
		u32 bit;
		const char *name;
	} flats[] = {{MODE_CS_FLAT, "cs"},
		     {MODE_SS_FLAT, "ss"},
		     {MODE_DS_FLAT, "ds"},
		     {MODE_ES_FLAT, "es"}};
	const char *odd = ", not flat:";

	out(to, "%s, %s",
	    mode & MODE_V86    ? "v86"
	    : mode & MODE_USER ? "user"
	    : mode & MODE_CPL0 ? "kernel"
			       : "ring 1 or 2",
	    mode & MODE_CS32 ? "32-bit" : "16-bit");
	for (unsigned i = 0; i < ARRAY_LEN(flats); i++) {
		if (mode & flats[i].bit)
			continue;
		out(to, "%s %s", odd, flats[i].name);
		odd = "";
	}
	out(to, "%s%s%s", *odd ? ", flat" : "",
	    mode & MODE_PAGED ? "" : ", before paging",
	    mode & MODE_ALIGN ? ", aligned" : "");
}

bool bt_mode_is_32(u32 mode)
{
	return mode & MODE_CS32;
}

bool bt_mode_is_user(u32 mode)
{
	return mode & MODE_USER;
}

bool bt_next_block(const struct bt *bt, u64 before, bool any, gla_t lin,
		   struct bt_block_view *view)
{
	u64 from = before < bt->block_count ? before : bt->block_count;

	for (u64 i = from; i-- > 0;) {
		const struct block *b = bt->order[i];

		if (b->dead || (!any && lin - b->lin >= b->guest_len))
			continue;
		*view = block_view(b);
		return true;
	}
	return false;
}
