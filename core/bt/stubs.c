/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The code that every block shares: in, out, and the calls to C.
 *
 * Translated code runs with the guest's registers in their host namesakes
 * (esp in r12), guest arithmetic flags in the host's, r13 the context, r14
 * the budget, r15 the window, r8-r11 scratch, and its own stack.  C code
 * runs on the stack on which bt_run was called.  Each stub is emitted once,
 * here, with the addresses of this translator's state in it. */
#include "core/bt/bt_priv.h"

#include "core/mem/window.h"

static const u8 host_of[8] = { RAX, RCX, RDX, RBX, R12, RBP, RSI, RDI };

static void e_cmp_imm(struct emit *e, unsigned reg, u8 value)
{
	e_rex(e, REX_W);
	e8(e, 0x83);
	e8(e, 0xf8 | (u8)reg);
	e8(e, value);
}

static void save_scratch(struct bt *bt, struct emit *e)
{
	for (unsigned i = 0; i < 4; i++)
		e_store_rip(e, 1, &bt->live->r[i], R8 + i);
}

static void save_general(struct bt *bt, struct emit *e)
{
	for (unsigned i = 0; i < 8; i++)
		e_store_rip(e, 0, &bt->cpu->gpr[i], host_of[i]);
}

/* ax := flags, as e_flags_ax takes them; PUSHF and POPF would be
 * microcode. */
static void read_flags(struct emit *e)
{
	static const u8 code[] = { 0x9f,		/* lahf */
				   0x0f, 0x90, 0xc0 };	/* seto al */

	e_bytes(e, code, sizeof(code));
}

/* What read_flags read, to cpu->arith. */
static void save_flags(struct bt *bt, struct emit *e)
{
	static const u8 code[] = {
		0x0f, 0xb6, 0xcc,		    /* movzx ecx, ah */
		0x81, 0xe1, EFL_ARITH & 0xff, 0, 0, 0, /* and ecx, .. */
		0x0f, 0xb6, 0xc0,		    /* movzx eax, al */
		0xc1, 0xe0, 11,			    /* shl eax, 11 */
		0x09, 0xc8,			    /* or eax, ecx */
	};

	e_bytes(e, code, sizeof(code));
	e_store_rip(e, 0, &bt->cpu->arith, RAX);
}

/* The host's direction flag is always clear, as the C ABI wants. */
static void save_rest(struct bt *bt, struct emit *e)
{
	e_store_rip(e, 1, &bt->live->budget, R14);
	e_store_rip(e, 1, &bt->live->guest_rsp, RSP);
	e_load_rip(e, 1, RSP, &bt->live->c_rsp);
}

/* Everything but r8..r11. */
static void save_state(struct bt *bt, struct emit *e)
{
	save_general(bt, e);
	read_flags(e);
	save_flags(bt, e);
	save_rest(bt, e);
}

static void load_flags(struct bt *bt, struct emit *e)
{
	e_load_rip(e, 0, RAX, &bt->cpu->arith);
	e_mov_rr(e, 0, RCX, RAX);
	e_flags_image(e);
}

static void load_state(struct bt *bt, struct emit *e)
{
	e_load_rip(e, 1, RSP, &bt->live->guest_rsp);
	e_load_rip(e, 1, R13, &bt->live->context);
	e_load_rip(e, 1, R14, &bt->live->budget);
	e_load_rip(e, 1, R15, &bt->live->window);
	load_flags(bt, e);
	for (unsigned i = 0; i < 8; i++)
		e_load_rip(e, 0, host_of[i], &bt->cpu->gpr[i]);
}

/* Returns from bt_enter to C. */
static void leave(struct emit *e)
{
	static const u8 pops[] = { 0x48, 0x83, 0xc4, 0x08, /* add rsp, 8 */
				   0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d,
				   0x41, 0x5c, 0x5d, 0x5b, 0xc3 };

	for (unsigned i = 0; i < sizeof(pops); i++)
		e8(e, pops[i]);
}

/* void enter(const u8 *target): loads all state and jumps. */
static void make_enter(struct bt *bt, struct emit *e)
{
	static const u8 pushes[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41,
				     0x56, 0x41, 0x57, 0x48, 0x83, 0xec, 0x08 };

	bt->stub_enter = emit_pc(e);
	for (unsigned i = 0; i < sizeof(pushes); i++)
		e8(e, pushes[i]);
	e_store_rip(e, 1, &bt->live->c_rsp, RSP);
	e_store_rip(e, 1, &bt->live->resume_pc, RDI);
	bt->stub_resume = emit_pc(e);
	load_state(bt, e);
	for (unsigned i = 0; i < 4; i++)
		e_load_rip(e, 1, R8 + i, &bt->live->r[i]);
	e_rip(e, 0, 0xff, 4, &bt->live->resume_pc, 0);
}

static void make_exits(struct bt *bt, struct emit *e)
{
	bt->stub_fault = emit_pc(e);
	save_scratch(bt, e);
	bt->stub_exit_plain = emit_pc(e);
	save_state(bt, e);
	leave(e);
	bt->stub_exit_edge = emit_pc(e);
	e_store_rip(e, 0, &bt->live->edge, R8);
	e_store_rip_imm(e, &bt->live->exit, BT_EXIT_LINK);
	e_jmp(e, bt->stub_exit_plain);
	bt->stub_dead = emit_pc(e);
	e_store_rip_imm(e, &bt->live->exit, BT_EXIT_DEAD);
	e_jmp(e, bt->stub_exit_plain);
}

/* A call from translated code to C: fn(bt, arg1, arg2) with the registers
 * named.  Its answer is an enum call_answer, or a pointer, which is then in
 * r8, in place of CALL_GO_ON.  r10 and r11 survive, and the other two unless
 * there is a pointer. */
static const u8 *make_call(struct bt *bt, struct emit *e, void *fn, int arg1,
			   int arg2, bool pointer)
{
	const u8 *start = emit_pc(e);
	u8 *goes_on, *left;

	e_rip(e, 0, 0x8f, 0, &bt->live->op_return, 0); /* pop */
	save_scratch(bt, e);
	save_state(bt, e);
	e_mov_ri64(e, RDI, (u64)(uintptr_t)bt);
	if (arg1 >= R8)
		e_mov_rr(e, 1, RSI, arg1);
	if (arg2 >= R8)
		e_mov_rr(e, 1, RDX, arg2);
	e_mov_ri64(e, RAX, (u64)(uintptr_t)fn);
	e8(e, 0xff); /* call rax */
	e8(e, 0xd0);
	if (pointer) {
		e_mov_rr(e, 1, R8, RAX);
		e_cmp_imm(e, RAX, CALL_RESUME);
		goes_on = e_short(e, 0x77); /* ja */
	} else {
		e_rr(e, 1, 0x85, RAX, RAX); /* test rax, rax */
		goes_on = e_short(e, 0x74); /* jz */
		e_cmp_imm(e, RAX, CALL_RESUME);
	}
	left = e_short(e, 0x75); /* jne */
	e_jmp(e, bt->stub_resume);
	e_short_here(e, left);
	leave(e);
	e_short_here(e, goes_on);
	load_state(bt, e);
	for (unsigned i = pointer ? 2 : 0; i < 4; i++)
		e_load_rip(e, 1, R8 + i, &bt->live->r[i]);
	e_rip(e, 0, 0xff, 4, &bt->live->op_return, 0);
	return start;
}

/* The same for a transfer between levels.  What C code saves need not be
 * loaded if it goes straight on, nor r8..r11, which mean nothing there. */
static const u8 *make_transfer(struct bt *bt, struct emit *e, void *fn,
			       bool same_flags)
{
	static const u8 lost[] = { RAX, RCX, RDX, RSI, RDI };
	const u8 *start = emit_pc(e);
	u8 *straight, *left;

	e_rip(e, 0, 0x8f, 0, &bt->live->op_return, 0); /* pop */
	save_general(bt, e);
	read_flags(e);
	if (same_flags)
		e_mov_rr(e, 0, R12, RAX); /* C code keeps it */
	save_flags(bt, e);
	save_rest(bt, e);
	e_mov_ri64(e, RDI, (u64)(uintptr_t)bt);
	e_mov_rr(e, 1, RSI, R8);
	e_mov_rr(e, 1, RDX, R9);
	e_mov_ri64(e, RAX, (u64)(uintptr_t)fn);
	e8(e, 0xff); /* call rax */
	e8(e, 0xd0);
	e_cmp_imm(e, RAX, CALL_STRAIGHT);
	straight = e_short(e, 0x74); /* je */
	e_cmp_imm(e, RAX, CALL_RESUME);
	left = e_short(e, 0x75); /* jne */
	e_jmp(e, bt->stub_resume);
	e_short_here(e, left);
	leave(e);
	e_short_here(e, straight);
	e_load_rip(e, 1, RSP, &bt->live->guest_rsp);
	e_load_rip(e, 1, R13, &bt->live->context);
	e_load_rip(e, 1, R15, &bt->live->window);
	if (same_flags) {
		e_mov_rr(e, 0, RAX, R12);
		e_flags_ax(e);
	} else {
		load_flags(bt, e);
	}
	for (unsigned i = 0; i < ARRAY_LEN(lost); i++)
		e_load_rip(e, 0, lost[i], &bt->cpu->gpr[lost[i]]);
	e_load_rip(e, 0, R12, &bt->cpu->gpr[ESP]);
	e_rip(e, 0, 0xff, 4, &bt->live->resume_pc, 0);
	return start;
}

static void save_for_reach(struct bt *bt, struct emit *e)
{
	e_store_rip(e, 1, &bt->live->spill, RCX);
	e_store_rip(e, 1, &bt->live->r[2], R10);
	e_store_rip(e, 1, &bt->live->r[3], R11);
}

static void restore_for_reach(struct bt *bt, struct emit *e)
{
	e_load_rip(e, 1, RCX, &bt->live->spill);
	e_load_rip(e, 1, R10, &bt->live->r[2]);
	e_load_rip(e, 1, R11, &bt->live->r[3]);
}

static void reach_by_c(struct bt *bt, struct emit *e)
{
	restore_for_reach(bt, e);
	e_jmp(e, bt->stub_soft);
}

/* Do the bytes at r8d, as many as bits 8 to 15 of r9d say, lie in one piece of
 * 1 << shift?  Then it jumps: the place of the jump is returned; and r10d is
 * the number of the piece.  rcx and r11 are lost. */
static u8 *ask_inside(struct emit *e, unsigned shift)
{
	e_mov_ri(e, RCX, SOFT_SIZE_SHIFT);
	e_shrx(e, R11, R9, RCX);
	e_rr(e, 0, 0x0fb6, R11, R11); /* movzx r11d, r11b */
	e_lea(e, 0, R11, R11, R8, 0, -1);
	e_mov_ri(e, RCX, shift);
	e_shrx(e, R10, R8, RCX);
	e_shrx(e, R11, R11, RCX);
	e_rr(e, 0, 0xf7, 2, R11); /* not r11d */
	e_lea(e, 0, RCX, R10, R11, 0, 1);
	return e_short(e, JECXZ);
}

/* Is the entry at r11 for number r10 in these days?  As ask_inside. */
static u8 *ask_tag(struct bt *bt, struct emit *e, s32 tag)
{
	e_load_rip(e, 1, RCX, &bt->live->reach_age);
	e_rm(e, 1, 0x8b, RCX, RCX, -1, 0, 0);
	e_lea(e, 1, RCX, RCX, R10, 0, 0);
	e_rm(e, 1, 0x8b, R10, R11, -1, 0, tag);
	e_lea(e, 1, RCX, RCX, R10, 0, 0);
	return e_short(e, JECXZ);
}

/* Offset in r8d of a flat segment, size in bits 8 to 15 of r9d: as stub_soft,
 * but when the table says where its line is, r8 := its host address at once.
 * Only r8 changes, and no flags. */
static void make_watched(struct bt *bt, struct emit *e)
{
	u8 *one_line, *hit;

	bt->stub_watched = emit_pc(e);
	save_for_reach(bt, e);
	one_line = ask_inside(e, __builtin_ctz(MEM_LINE));
	reach_by_c(bt, e);
	e_short_here(e, one_line);
	_Static_assert(REACHED_LINES == 256 && sizeof(struct reached_line) == 16,
		       "index by a byte, scaled by 2 and 8");
	e_rr(e, 0, 0x0fb6, RCX, R10); /* movzx ecx, r10b */
	e_lea(e, 1, RCX, RCX, RCX, 0, 0);
	e_load_rip(e, 1, R11, &bt->live->reach);
	e_lea(e, 1, R11, R11, RCX, 3, 0);
	hit = ask_tag(bt, e, offsetof(struct reached_line, tag));
	reach_by_c(bt, e);
	e_short_here(e, hit);
	e_rm(e, 1, 0x8b, R11, R11, -1, 0, offsetof(struct reached_line, host));
	e_lea(e, 1, R8, R8, R11, 0, 0);
	restore_for_reach(bt, e);
	e8(e, 0xc3);
}

/* The same by whole pages, for what cold sites find in no window, and with a
 * limit: who often finds the page here is to have it mapped. */
static void make_pages(struct bt *bt, struct emit *e, bool write)
{
	u8 *one_page, *hit, *worn;

	bt->stub_pages[write] = emit_pc(e);
	save_for_reach(bt, e);
	one_page = ask_inside(e, __builtin_ctz(GUEST_PAGE));
	reach_by_c(bt, e);
	e_short_here(e, one_page);
	_Static_assert(REACHED_PAGES == 256 && sizeof(struct reached_page) == 32,
		       "index by a byte, scaled by 4 and 8");
	e_rr(e, 0, 0x0fb6, RCX, R10); /* movzx ecx, r10b */
	e_lea(e, 1, RCX, -1, RCX, 2, 0);
	e_load_rip(e, 1, R11, &bt->live->reach);
	e_lea(e, 1, R11, R11, RCX, 3, offsetof(struct reach_tables, pages));
	hit = ask_tag(bt, e, offsetof(struct reached_page, tag) +
				     (s32)(write * sizeof(u64)));
	reach_by_c(bt, e);
	e_short_here(e, hit);
	e_rm(e, 1, 0x8b, RCX, R11, -1, 0, offsetof(struct reached_page, left));
	e_lea(e, 1, RCX, RCX, -1, 0, -1);
	worn = e_short(e, JECXZ);
	e_rm(e, 1, 0x89, RCX, R11, -1, 0, offsetof(struct reached_page, left));
	e_rm(e, 1, 0x8b, R11, R11, -1, 0, offsetof(struct reached_page, host));
	e_lea(e, 1, R8, R8, R11, 0, 0);
	restore_for_reach(bt, e);
	e8(e, 0xc3);
	e_short_here(e, worn);
	reach_by_c(bt, e);
}

/* As stub_soft or stub_pages, for an address in a flat segment of user code:
 * but where the window has the page mapped, it is that.  Only r8 and r9 change
 * then, and no flags. */
static const u8 *make_cold(struct bt *bt, struct emit *e, bool write,
			   const u8 *otherwise)
{
	const u8 *start = emit_pc(e);
	u8 *miss;

	e_store_rip(e, 1, &bt->live->spill, RCX);
	e_store_rip(e, 1, &bt->live->r[1], R9);
	miss = emit_if_mapped(bt, e, false, write);
	e8(e, 0xc3);
	e_short_here(e, miss);
	e_load_rip(e, 1, RCX, &bt->live->spill);
	e_load_rip(e, 1, R9, &bt->live->r[1]);
	e_jmp(e, otherwise);
	return start;
}

/* rcx := 0 if the map of a window says that pages r10 and r11 are mapped. */
static void ask_map(struct bt *bt, struct emit *e, bool user, s32 table)
{
	e_load_rip(e, 1, R9, user ? &bt->live->user_window_map
				  : &bt->live->window_map);
	e_rm(e, 0, 0x0fb6, RCX, R9, R10, 0, table);
	e_rm(e, 0, 0x0fb6, R9, R9, R11, 0, table);
	e_lea(e, 1, RCX, RCX, R9, 0, -2);
}

/* r8 := the host address of r8d in the window of the privilege level, or in
 * the user's, that has the pages of it and of r11d bytes behind it mapped; 0
 * if neither has.  No flags; rcx, r9, r10 and r11 are lost. */
static void make_mapped(struct bt *bt, struct emit *e, bool write)
{
	s32 table = write ? (s32)WINDOW_MAP_WRITABLE : 0;
	u8 *hit, *user;

	bt->stub_mapped[write] = emit_pc(e);
	e_lea(e, 0, R11, R8, R11, 0, 0);
	e_mov_ri(e, RCX, 12);
	e_shrx(e, R10, R8, RCX);
	e_shrx(e, R11, R11, RCX);
	ask_map(bt, e, false, table);
	hit = e_short(e, JECXZ);
	ask_map(bt, e, true, table);
	user = e_short(e, JECXZ);
	e_mov_ri(e, R8, 0);
	e8(e, 0xc3);
	e_short_here(e, user);
	e_load_rip(e, 1, R9, &bt->live->user_window);
	e_lea(e, 1, R8, R9, R8, 0, 0);
	e8(e, 0xc3);
	e_short_here(e, hit);
	e_lea(e, 1, R8, R15, R8, 0, 0);
	e8(e, 0xc3);
}

/* rcx := 0 if r8d's entry in that way of the jump cache is for r8d in this
 * context, and no flags touched.  The entry is at [r11 + r10 * 8 + way], rcx
 * in r9. */
static void find_jump(struct bt *bt, struct emit *e, s32 way)
{
	_Static_assert(sizeof(struct jump_entry) == 16 &&
			       JUMP_WAY == JUMP_PLACES + (1 << 16),
		       "indexed by r8w, scaled by 2 and 8");
	e_rr(e, 0, 0x0fb7, R10, R8); /* movzx r10d, r8w */
	e_mov_rr(e, 1, R9, RCX);
	e_load_rip(e, 1, R11, &bt->live->jumps);
	e_lea(e, 1, R10, R10, R10, 0, 0);
	e_rm(e, 1, 0x8b, RCX, R11, R10, 3, way);
	e_lea(e, 1, RCX, RCX, R8, 0, 1);
}

/* Indirect jump (kind 4) or call (2) to r8d.  What has no entry goes where a
 * constant one leads. */
void emit_lookup(struct bt *bt, struct emit *e, unsigned kind)
{
	u8 *hit;

	find_jump(bt, e, 0);
	hit = e_short(e, JECXZ);
	e_rip(e, 1, 0x8d, R11, &bt->live->jump_miss, 0);
	e_mov_ri(e, R10, 0);
	e_short_here(e, hit);
	e_mov_rr(e, 1, RCX, R9);
	e_rm(e, 0, 0xff, kind, R11, R10, 3, offsetof(struct jump_entry, host));
}

static void make_jump(struct bt *bt, struct emit *e)
{
	const s32 way = JUMP_WAY * (s32)sizeof(struct jump_entry);
	u8 *hit;

	bt->stub_jump = emit_pc(e);
	emit_lookup(bt, e, 4);
	bt->live->jump_miss = (struct jump_entry){
		.host = (u64)(uintptr_t)emit_pc(e),
	};
	find_jump(bt, e, way);
	hit = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R9);
	e_store_rip(e, 0, &bt->live->indirect, R8);
	e_store_rip_imm(e, &bt->live->exit, BT_EXIT_LOOKUP);
	e_jmp(e, bt->stub_exit_plain);
	e_short_here(e, hit);
	e_mov_rr(e, 1, RCX, R9);
	e_rm(e, 0, 0xff, 4, R11, R10, 3,
	     way + (s32)offsetof(struct jump_entry, host));
}

/* A slot of the link table that is not linked yet: target in r8d. */
static void make_slot(struct bt *bt, struct emit *e)
{
	bt->stub_slot = emit_pc(e);
	e_store_rip(e, 0, &bt->live->indirect, R8);
	e_store_rip_imm(e, &bt->live->exit, BT_EXIT_SLOT);
	e_jmp(e, bt->stub_exit_plain);
}

/* A return that was not predicted, or wrongly: what the host stack holds is
 * of no use, so it is emptied down to its sentinel, which leads here. */
static void make_return(struct bt *bt, struct emit *e)
{
	bt->stub_return = emit_pc(e);
	e_load_rip(e, 1, RSP, &bt->live->stack_empty);
	e_jmp(e, bt->stub_jump);
}

enum { STUBS = 2 * GUEST_PAGE };

void stubs_emit(struct bt *bt)
{
	struct emit e = { .at = bt->code_w, .end = bt->code_w + STUBS,
			  .delta = bt->code_x - bt->code_w };

	make_enter(bt, &e);
	make_exits(bt, &e);
	make_jump(bt, &e);
	make_slot(bt, &e);
	make_return(bt, &e);
	returns_emit_stub(bt, &e);
	bt->stub_op = make_call(bt, &e, (void *)bt_call_op, R8, R9, false);
	bt->stub_int = make_transfer(bt, &e, (void *)bt_int, true);
	bt->stub_iret = make_transfer(bt, &e, (void *)bt_iret, false);
	bt->stub_sysenter = make_transfer(bt, &e, (void *)bt_sysenter, true);
	bt->stub_sysexit = make_transfer(bt, &e, (void *)bt_sysexit, true);
	bt->stub_inval_page = make_call(bt, &e, (void *)bt_inval_page, R8, R9, false);
	bt->stub_soft = make_call(bt, &e, (void *)bt_soft_access, R8, R9, true);
	make_watched(bt, &e);
	for (unsigned write = 0; write < 2; write++) {
		make_pages(bt, &e, write);
		bt->stub_cold[write] = make_cold(bt, &e, write, bt->stub_soft);
		bt->stub_cold_pages[write] =
			make_cold(bt, &e, write, bt->stub_pages[write]);
	}
	make_mapped(bt, &e, false);
	make_mapped(bt, &e, true);
	bt->stub_post = make_call(bt, &e, (void *)bt_soft_post, R9, -1, false);
	bt->stub_fpu = make_call(bt, &e, (void *)bt_fpu_needed, R10, R11, false);
	bt->stub_fpu_ahead = make_call(bt, &e, (void *)bt_fpu_ahead, R10, -1, false);
	bt->stub_tell = make_call(bt, &e, (void *)bt_tell_call, R8, R9, false);
	CHECK(!e.full, "stubs need more room");
	for (unsigned i = 0; i < ARRAY_LEN(bt->level); i++)
		*(u64 *)(uintptr_t)bt->level[i].stack_empty =
			(u64)(uintptr_t)bt->stub_return;
	bt->stubs_size = STUBS;
}
