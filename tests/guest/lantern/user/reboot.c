/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reboot: starts the machine afresh. */
#include "lantern.h"

int main(void)
{
	return power(POWER_REBOOT, 0);
}
