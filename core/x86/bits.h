/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for registers by number, and for the bits of EFLAGS, control registers, descriptors, page-table
 * entries and error codes (SDM volume 3A, chapters 2 to 6). */
#ifndef CORE_X86_BITS_H
#define CORE_X86_BITS_H

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT };

enum {
	EFL_CF = 1u << 0,
	EFL_ONE = 1u << 1, /* always set */
	EFL_PF = 1u << 2,
	EFL_AF = 1u << 4,
	EFL_ZF = 1u << 6,
	EFL_SF = 1u << 7,
	EFL_TF = 1u << 8,
	EFL_IF = 1u << 9,
	EFL_DF = 1u << 10,
	EFL_OF = 1u << 11,
	EFL_IOPL = 3u << 12,
	EFL_IOPL_SHIFT = 12,
	EFL_NT = 1u << 14,
	EFL_RF = 1u << 16,
	EFL_VM = 1u << 17,
	EFL_AC = 1u << 18,
	EFL_VIF = 1u << 19,
	EFL_VIP = 1u << 20,
	EFL_ID = 1u << 21,
	EFL_ARITH = EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_OF,
	/* VIF and VIP are left out: they exist when VME does. */
	EFL_ALL = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT |
		  EFL_RF | EFL_VM | EFL_AC | EFL_ID,
};

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_VME (1u << 0)
#define CR4_PVI (1u << 1)
#define CR4_TSD (1u << 2)
#define CR4_DE (1u << 3)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
#define CR4_PCE (1u << 8)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)

#define EFER_SCE (1u << 0)
#define EFER_NXE (1u << 11)

/* Page-table entries (SDM 3A 4.3, 4.4). */
#define PTE_P (1u << 0)
#define PTE_RW (1u << 1)
#define PTE_US (1u << 2)
#define PTE_PWT (1u << 3)
#define PTE_PCD (1u << 4)
#define PTE_A (1u << 5)
#define PTE_D (1u << 6)
#define PTE_PS (1u << 7)
#define PTE_G (1u << 8)
#define PTE_NX (1ull << 63)

/* Page-fault error code (SDM 3A 4.7). */
#define PF_P (1u << 0)
#define PF_W (1u << 1)
#define PF_U (1u << 2)
#define PF_RSVD (1u << 3)
#define PF_I (1u << 4)

/* struct seg attr: the descriptor's access byte in bits 7:0, its flags
 * nibble (AVL L D/B G) in bits 11:8 (SDM 3A 3.4.5). */
#define SEG_TYPE 0x000f
#define SEG_A 0x0001 /* accessed (code and data) */
#define SEG_RW 0x0002 /* data: writable; code: readable */
#define SEG_EC 0x0004 /* data: expand-down; code: conforming */
#define SEG_CODE 0x0008
#define SEG_S 0x0010 /* code or data, not system */
#define SEG_DPL 0x0060
#define SEG_DPL_SHIFT 5
#define SEG_P 0x0080
#define SEG_AVL 0x0100
#define SEG_L 0x0200
#define SEG_DB 0x0400
#define SEG_G 0x0800

/* System descriptor types (SDM 3A table 3-2). */
enum {
	SYS_TSS16 = 1,
	SYS_LDT = 2,
	SYS_TSS16_BUSY = 3,
	SYS_CALL16 = 4,
	SYS_TASK_GATE = 5,
	SYS_INT16 = 6,
	SYS_TRAP16 = 7,
	SYS_TSS32 = 9,
	SYS_TSS32_BUSY = 11,
	SYS_CALL32 = 12,
	SYS_INT32 = 14,
	SYS_TRAP32 = 15,
};

#endif
