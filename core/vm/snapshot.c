/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole machine to a file and back: what is in it, room by room.
 *
 * Every room says what of it is state (struct state_part); here are only the
 * sections that are no struct of a room: what kind of machine it is, where it
 * came from, and physical memory.  Loading first looks at everything and then
 * takes everything, so a file that is refused has changed nothing.
 *
 * A TLB is not saved, nor what stands for one.  A guest may see when its
 * processor forgets a translation (accessed bits are set again), so it is
 * forgotten here when a machine is saved, as it is where it is loaded. */
#include "core/vm/vm_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/crc.h"
#include "core/op/op.h"
#include "core/vm/saved.h"

enum { FEATURES_MAX = 32, REQUESTS_ALL = 31, STRINGS_MAX = 80 };

/* ---- what kind of machine ---- */

struct kind {
	u64 ram, seed;
	bool show_vmi, has_apic;
	u8 feature[FEATURES_MAX]; /* by cpuid_feature_name() */
};

static const struct state_field kind_state[] = {
	STATE(struct kind, ram, 3ull << 30),
	STATE(struct kind, seed, STATE_ANY),
	STATE(struct kind, show_vmi, 1),
	STATE(struct kind, has_apic, 1),
	STATE_ARRAY(struct kind, feature, 1),
	STATE_END,
};

static struct kind kind_of(const struct vm_config *cfg)
{
	struct kind k = {.ram = cfg->ram,
			 .seed = cfg->seed,
			 .show_vmi = cfg->show_vmi,
			 .has_apic = cfg->has_apic};

	for (unsigned i = 0; cpuid_feature_name(i); i++)
		k.feature[i] = cpuid_feature_on(i);
	return k;
}

/* Features are known by their place in the table, so their names belong to
 * the layout. */
static u32 kind_layout(void)
{
	u32 crc = state_layout(kind_state);
	const char *name;

	for (unsigned i = 0; (name = cpuid_feature_name(i)); i++)
		crc = crc32c(crc, name, strlen(name) + 1);
	return crc;
}

static int other_features(const char *path, const struct kind *k,
			  struct err *e)
{
	struct buf list = {0};

	for (unsigned i = 0; cpuid_feature_name(i); i++)
		if (k->feature[i] != cpuid_feature_on(i))
			buf_printf(&list, "%s%c%s", list.len ? "," : "",
				   k->feature[i] ? '+' : '-',
				   cpuid_feature_name(i));
	if (!list.len)
		return 0;
	err_set(e, "%s was saved with another processor: start with -cpu %s",
		path, buf_text(&list));
	buf_free(&list);
	return -1;
}

static int compare(struct vm *vm, const char *path, const struct kind *k,
		   struct err *e)
{
	const struct vm_config *cfg = &vm->cfg;

	if (k->show_vmi != cfg->show_vmi)
		return err_set(e, "%s was saved with -engine %s; this machine "
				  "has -engine %s (`engine %s' and `reset' "
				  "change that)",
			       path, k->show_vmi ? "vmi" : "bt",
			       cfg->show_vmi ? "vmi" : "bt",
			       k->show_vmi ? "vmi" : "bt");
	if (k->ram != cfg->ram)
		return err_set(e, "%s was saved with -m %lluK; this machine "
				  "has %lluK",
			       path, (unsigned long long)k->ram >> 10,
			       (unsigned long long)cfg->ram >> 10);
	if (k->seed != cfg->seed)
		return err_set(e, "%s was saved with -seed %llu; this machine "
				  "has %llu",
			       path, (unsigned long long)k->seed,
			       (unsigned long long)cfg->seed);
	return other_features(path, k, e);
}

/* ---- where it came from: strings, each with its NUL ---- */

static void put_string(struct saved_writer *w, const char *text)
{
	if (!text)
		text = "";
	saved_put(w, text, strlen(text) + 1);
}

/* The kernel, its command line, and its modules. */
static void put_origin(struct vm *vm, struct saved_writer *w)
{
	saved_begin(w, "origin", 0);
	saved_put(w, &vm->cfg.flat_load, sizeof(vm->cfg.flat_load));
	put_string(w, vm->cfg.kernel);
	put_string(w, vm->cfg.append);
	for (unsigned i = 0; i < vm->cfg.module_count; i++)
		put_string(w, vm->cfg.modules[i]);
	saved_end(w);
}

/* ---- the rooms ---- */

static const struct state_field time_state[] = {
	STATE(struct vm_time, now, STATE_TIME),
	STATE(struct vm_time, stolen, STATE_TIME),
	STATE_END,
};

static const struct state_field vm_state[] = {
	STATE(struct vm, requests, REQUESTS_ALL),
	STATE(struct vm, injected, 256),
	STATE(struct vm, injected_lines, STATE_ANY),
	STATE(struct vm, exception_passes, 1),
	STATE_ARRAY(struct vm, exceptions, STATE_TIME),
	STATE_ARRAY(struct vm, interrupts, STATE_TIME),
	STATE(struct vm, idle_ns, STATE_TIME),
	STATE(struct vm, idle_run, STATE_TIME),
	STATE(struct vm, idle_icount, STATE_TIME),
	STATE_END,
};

/* What is gathered from others before it is saved, and told them after. */
struct gathered {
	struct vm_time time;
	struct bt_due due;
};

static void list_parts(struct vm *vm, struct gathered *g,
		       struct state_list *l)
{
	g->time = clock_get(vm);
	g->due = bt_due(vm->bt);
	l->count = 0;
	state_list_add(l, &(struct state_part){"time", time_state, &g->time,
					       sizeof(g->time), NULL});
	state_list_add(l, &(struct state_part){"machine", vm_state, vm,
					       sizeof(*vm), NULL});
	state_list_add(l, &(struct state_part){"due", bt_due_state, &g->due,
					       sizeof(g->due), NULL});
	cpu_state(vm->cpu, l);
	bus_state(vm->bus, l);
	if (vm->part.state)
		vm->part.state(vm->part.arg, l);
}

int saved_state_check(struct vm *vm, struct err *e)
{
	struct state_list parts;
	struct gathered g;
	int bad = 0;

	list_parts(vm, &g, &parts);
	for (unsigned i = 0; i < parts.count && !bad; i++) {
		const struct state_part *p = &parts.part[i];
		struct buf bytes = {0};

		state_save(p->fields, p->at, &bytes);
		bad = state_check(p, (u8 *)bytes.data, g.time.now, e);
		buf_free(&bytes);
	}
	return bad;
}

/* ---- memory: runs of pages, a head before each ---- */

struct run {
	u32 first, pages;
};

static bool is_zero(const u8 *page)
{
	return !page[0] && !memcmp(page, page + 1, GUEST_PAGE - 1);
}

/* The next run of pages from `at` on that are not zero; none: 0 pages. */
static struct run next_run(struct vm *vm, gpa_t at)
{
	u64 size = mem_ram_size(vm->mem);
	const u8 *ram = mem_phys_ptr(vm->mem, 0, size);
	struct run r = {0, 0};

	while (at < size) {
		at = mem_next_used(vm->mem, at);
		if (at < size && !is_zero(ram + at))
			break;
		at += GUEST_PAGE;
	}
	r.first = (u32)(at >> 12);
	while (at < size && mem_next_used(vm->mem, at) == at &&
	       !is_zero(ram + at)) {
		r.pages++;
		at += GUEST_PAGE;
	}
	return r;
}

static void put_ram(struct vm *vm, struct saved_writer *w)
{
	struct run r = next_run(vm, 0);

	saved_begin(w, "ram", 0);
	for (; r.pages; r = next_run(vm, (gpa_t)(r.first + r.pages) << 12)) {
		u64 len = (u64)r.pages << 12;

		saved_put(w, &r, sizeof(r));
		saved_put(w, mem_phys_ptr(vm->mem, (gpa_t)r.first << 12, len),
			  len);
	}
	saved_end(w);
}

static int check_ram(const struct section *s, u64 ram_size, struct err *e)
{
	size_t at = 0;
	struct run r;

	while (at < s->len) {
		if (s->len - at < sizeof(r))
			return err_set(e, "half a run of pages");
		memcpy(&r, s->bytes + at, sizeof(r));
		at += sizeof(r);
		if (r.first > ram_size >> 12 ||
		    r.pages > (ram_size >> 12) - r.first ||
		    (u64)r.pages << 12 > s->len - at)
			return err_set(e, "pages that are not there");
		at += (size_t)r.pages << 12;
	}
	return 0;
}

static void load_ram(struct vm *vm, const struct section *s)
{
	struct run r;

	for (size_t at = 0; at < s->len; at += (size_t)r.pages << 12) {
		memcpy(&r, s->bytes + at, sizeof(r));
		at += sizeof(r);
		memcpy(mem_phys_ptr(vm->mem, (gpa_t)r.first << 12,
				    (u64)r.pages << 12),
		       s->bytes + at, (u64)r.pages << 12);
	}
}

/* A byte a page: what it is besides memory. */
static void put_pages(struct vm *vm, struct saved_writer *w)
{
	u64 pages = mem_ram_size(vm->mem) >> 12;
	u8 bits;

	saved_begin(w, "pages", MEM_KEPT);
	for (u64 i = 0; i < pages; i++) {
		bits = mem_page_kept(vm->mem, i << 12);
		saved_put(w, &bits, 1);
	}
	saved_end(w);
}

static int check_pages(const struct section *s, u64 ram_size, struct err *e)
{
	if (s->len != ram_size >> 12)
		return err_set(e, "it is of another size");
	for (size_t i = 0; i < s->len; i++)
		if (s->bytes[i] & ~MEM_KEPT)
			return err_set(e, "pages cannot be that");
	return 0;
}

/* ---- save ---- */

/* As if nothing had been run yet. */
static void forget(struct vm *vm)
{
	bt_forget(vm->bt);
	mem_reset(vm->cpu);
	cpu_forget_descriptors(vm->cpu);
}

static void put_fields(struct saved_writer *w, const char *name, u32 layout,
		       const struct state_field *fields, const void *from)
{
	struct buf bytes = {0};

	state_save(fields, from, &bytes);
	saved_begin(w, name, layout);
	saved_put(w, bytes.data, bytes.len);
	saved_end(w);
	buf_free(&bytes);
}

int vm_save(struct vm *vm, const char *path, struct err *e)
{
	struct kind kind = kind_of(&vm->cfg);
	struct saved_writer w;
	struct state_list parts;
	struct gathered g;

	if (saved_create(&w, path, e))
		return -1;
	forget(vm);
	list_parts(vm, &g, &parts);
	put_fields(&w, "kind", kind_layout(), kind_state, &kind);
	put_origin(vm, &w);
	for (unsigned i = 0; i < parts.count; i++) {
		const struct state_part *p = &parts.part[i];

		put_fields(&w, p->name, state_layout(p->fields), p->fields,
			   p->at);
	}
	put_pages(vm, &w);
	put_ram(vm, &w);
	return saved_finish(&w, e);
}

/* ---- load ---- */

static int find(const struct saved *s, const char *path, const char *name,
		u32 layout, struct section *found, struct err *e)
{
	if (!saved_section(s, name, found) || found->layout != layout)
		return err_set(e, "%s was saved by another version of Vitrine: "
				  "its section %s is not as expected",
			       path, name);
	return 0;
}

static int impossible(const char *path, const char *name, struct err *why,
		      struct err *e)
{
	return err_set(e, "%s: section %s holds no state of a machine: %s",
		       path, name, why->text);
}

static int read_kind(const struct saved *s, const char *path, struct kind *k,
		     struct err *e)
{
	struct section found;
	struct err why;

	if (find(s, path, "kind", kind_layout(), &found, e))
		return -1;
	if (found.len != state_size(kind_state))
		err_set(&why, "it is of another size");
	else if (!state_load(kind_state, k, found.bytes, &why))
		return 0;
	return impossible(path, "kind", &why, e);
}

static int check_part(const struct saved *s, const char *path,
		      const struct state_part *p, u64 now, struct err *e)
{
	struct section found;
	struct err why;

	if (find(s, path, p->name, state_layout(p->fields), &found, e))
		return -1;
	if (found.len != state_size(p->fields))
		err_set(&why, "it is of another size");
	else if (!state_check(p, found.bytes, now, &why))
		return 0;
	return impossible(path, p->name, &why, e);
}

static int check_memory(const struct saved *s, const char *path, u64 ram_size,
			struct err *e)
{
	struct section found;
	struct err why;

	if (find(s, path, "pages", MEM_KEPT, &found, e))
		return -1;
	if (check_pages(&found, ram_size, &why))
		return impossible(path, "pages", &why, e);
	if (find(s, path, "ram", 0, &found, e))
		return -1;
	if (check_ram(&found, ram_size, &why))
		return impossible(path, "ram", &why, e);
	return 0;
}

/* Guest time of the file, by which the rest is judged. */
static u64 time_of(const struct saved *s)
{
	struct vm_time t = {0, 0};
	struct section found;

	if (saved_section(s, "time", &found) &&
	    found.len == state_size(time_state))
		state_load(time_state, &t, found.bytes, NULL);
	return t.now;
}

static int check(struct vm *vm, const struct saved *s, const char *path,
		 const struct state_list *parts, struct err *e)
{
	struct kind kind;
	u64 now = time_of(s);

	if (read_kind(s, path, &kind, e) || compare(vm, path, &kind, e))
		return -1;
	for (unsigned i = 0; i < parts->count; i++)
		if (check_part(s, path, &parts->part[i], now, e))
			return -1;
	return check_memory(s, path, vm->cfg.ram, e);
}

static void take_memory(struct vm *vm, const struct saved *s)
{
	struct section found;

	mem_clear(vm->mem);
	saved_section(s, "ram", &found);
	load_ram(vm, &found);
	saved_section(s, "pages", &found);
	for (u64 i = 0; i < found.len; i++)
		mem_keep_page(vm->mem, i << 12, found.bytes[i]);
}

static void take(struct vm *vm, const struct saved *s, struct gathered *g,
		 const struct state_list *parts)
{
	struct section found;

	bt_reset(vm->bt);
	take_memory(vm, s);
	for (unsigned i = 0; i < parts->count; i++) {
		saved_section(s, parts->part[i].name, &found);
		state_load(parts->part[i].fields, parts->part[i].at,
			   found.bytes, NULL);
	}
	cpu_loaded(vm->cpu);
	mem_reset(vm->cpu);
	bt_set_due(vm->bt, &g->due);
	clock_set(vm, &g->time);
	bus_loaded(vm->bus);
	vm->interrupt = 0;
	vm->df = vm->caught = vm->watch_hit = false;
	if (vm->part.loaded)
		vm->part.loaded(vm->part.arg);
}

int vm_load(struct vm *vm, const char *path, struct err *e)
{
	struct state_list parts;
	struct gathered g;
	struct saved s;
	int bad;

	if (saved_open(&s, path, e))
		return -1;
	list_parts(vm, &g, &parts);
	bad = check(vm, &s, path, &parts, e);
	if (!bad)
		take(vm, &s, &g, &parts);
	saved_close(&s);
	return bad;
}

/* ---- a machine for a file ---- */

/* The string at *at, which moves behind it; NULL when there is none. */
static char *take_string(char **at, const char *end)
{
	char *text = *at, *nul = memchr(text, 0, (size_t)(end - text));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

static int read_origin(const struct saved *s, const char *path,
		       struct vm_config *cfg, char **strings, struct err *e)
{
	struct section found;
	char *at, *end;

	if (find(s, path, "origin", 0, &found, e))
		return -1;
	if (found.len < sizeof(cfg->flat_load))
		return err_set(e, "%s: it does not say where it came from",
			       path);
	memcpy(&cfg->flat_load, found.bytes, sizeof(cfg->flat_load));
	/* cppcheck-suppress pointerSize; the list of pointers comes first */
	*strings = at = malloc(found.len + STRINGS_MAX * sizeof(char *));
	NEED_MEMORY(at, "%zu bytes", found.len);
	cfg->modules = (char **)(void *)at;
	at += STRINGS_MAX * sizeof(char *);
	end = at + found.len - sizeof(cfg->flat_load);
	memcpy(at, found.bytes + sizeof(cfg->flat_load), (size_t)(end - at));
	cfg->kernel = take_string(&at, end);
	cfg->append = take_string(&at, end);
	if (cfg->kernel && !*cfg->kernel)
		cfg->kernel = NULL;
	if (cfg->append && !*cfg->append)
		cfg->append = NULL;
	cfg->module_count = 0;
	while (cfg->module_count < STRINGS_MAX &&
	       (cfg->modules[cfg->module_count] = take_string(&at, end)))
		cfg->module_count++;
	return 0;
}

int vm_saved_config(const char *path, struct vm_config *cfg, char **strings,
		    struct err *e)
{
	struct kind k;
	struct saved s;
	struct err why;
	int bad;

	if (saved_open(&s, path, e))
		return -1;
	bad = read_kind(&s, path, &k, e) ||
	      read_origin(&s, path, cfg, strings, e);
	saved_close(&s);
	if (bad)
		return -1;
	cfg->ram = k.ram;
	cfg->seed = k.seed;
	cfg->show_vmi = k.show_vmi;
	cfg->has_apic = k.has_apic;
	for (unsigned i = 0; cpuid_feature_name(i); i++)
		if (cpuid_set_feature(cpuid_feature_name(i), k.feature[i],
				      &why))
			return err_set(e, "%s needs a processor that has %s: "
					  "%s",
				       path, cpuid_feature_name(i), why.text);
	return 0;
}
