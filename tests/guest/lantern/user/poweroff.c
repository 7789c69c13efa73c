/* SPDX-License-Identifier: GPL-3.0-or-later */
/* poweroff: switches the machine off. */
#include "lantern.h"

int main(void)
{
	return power(POWER_OFF, 0);
}
