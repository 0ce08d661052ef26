"""Every kind of finding of ``peerflex new``, with its consequence and remedy: the one place that says what is done."""

from typing import Final

from peerflex.scenarios.meters.findings import Kind

# --- the network ---
NO_NAME: Final = Kind(
    "loads or generators without a name",
    "called by their kind and row, as in 'load 3'",
    "Give them names in the network, so that meters can be matched.",
)
SAME_NAME: Final = Kind(
    "names used more than once",
    "a number is put behind each but the first, as in 'house (2)'",
    "Give every load a name of its own; a meter of the bare name goes to the first.",
)
RENAMED: Final = Kind(
    "names that a line of a file cannot hold",
    "cleaned in the copy of the network (blanks at the ends, line breaks, control characters, over 100 characters)",
    "Use the cleaned names in scenarios.",
)
NOT_SUPPLIED: Final = Kind(
    "loads or generators at a bus without supply",
    "taken out of service in the copy of the network; nobody trades there",
    "Close a switch or put the line that feeds the bus in service, and run peerflex new again.",
)
NO_BUS: Final = Kind(
    "loads or generators without a bus",
    "taken out of service in the copy of the network; nobody trades there",
    "Give the element the index of a bus that is in the network.",
)
NO_POWER: Final = Kind(
    "loads or generators whose power is no number",
    "set to 0 in the copy of the network",
    "Write the power, in MW, into the network.",
)
DEAD_BUSES: Final = Kind(
    "buses without supply",
    "left out: they have no voltage and nothing stands there",
    "Nothing, unless they should be fed: then close a switch.",
)
SEVERAL_SUPPLIES: Final = Kind(
    "more than one upstream grid",
    "all keep their voltage; what flows through them is added up as one exchange",
    "Take all but one out of service if only one supplies the area.",
)
NO_RATING: Final = Kind(
    "lines or transformers without a rating, or with one beyond belief",
    "they never count as overloaded",
    "Write max_i_ka (lines) or sn_mva (transformers) into the network.",
)
NO_PLACE: Final = Kind(
    "buses without coordinates",
    "drawn as a tree from the supply",
    "Nothing for results; write net.bus.geo for a map.",
)
OWN_YEAR: Final = Kind(
    "the network brings profiles of its own",
    "not used here",
    "Write profiles: {source: grid} and time: {start: 2016-01-01} to use them.",
)
STRAINED: Final = Kind(
    "the network with its own loads",
    "nothing changed",
    "See whether limits under dso: in scenario.yaml are what you mean; a network beyond them buys flexibility.",
)
ONE_PHASE: Final = Kind(
    "loads or generators on single phases",
    "taken as balanced: their power is added up, a third on every phase",
    "Nothing, unless unbalance matters: loadings and voltages of single phases are not computed.",
)
LITTLE: Final = Kind(
    "storage in the network",
    "not read: batteries belong to peers",
    "Give groups of peers battery_kwh and battery_kw in scenario.yaml.",
)

# --- the meter file ---
LAYOUT: Final = Kind("how the meter file was read", "read so", "Nothing, if this is right.")
ENCODING: Final = Kind(
    "letters that are not UTF-8",
    "read as Windows-1252 (Western European)",
    "Save the file as UTF-8 if names look wrong.",
)
BAD_LINES: Final = Kind(
    "lines with too many values",
    "left out",
    "Look at the line: a separator within a number or a name needs quotes.",
)
BAD_TIMES: Final = Kind("rows without a readable time", "left out", "Write times like 2016-07-04T00:15.")
DAY_FIRST: Final = Kind(
    "dates that can be read in two ways",
    "the day is taken to stand first",
    "Write dates like 2016-07-04 if that is wrong.",
)
NOTATIONS: Final = Kind(
    "times in more than one notation",
    "each is read in its own",
    "Look whether days and months are right; write all like 2016-07-04T00:15.",
)
MIDNIGHT: Final = Kind(
    "times at 24:00",
    "read as 0:00 of the next day; every value is taken for the step that begins at its time",
    "If times are the ends of steps, as such files often have them, all is a step late: write when steps begin.",
)
UNREAD: Final = Kind(
    "columns that are not read",
    "left out: more times, or what is neither time, meter nor value",
    "Nothing, unless values are in them.",
)
NO_DATES: Final = Kind(
    "rows are numbered, not dated",
    "the first row is put at 2016-01-01 00:00",
    "Write times like 2016-07-04T00:15 if weekday or season matter.",
)
FILE_UNIT: Final = Kind(
    "unit of the meter file",
    "converted to kW",
    "If it is wrong, name the unit in the column, as in 'House 7 [kWh]', and run peerflex new again.",
)
LIKE_ENERGY: Final = Kind(
    "may be energy per step, not power",
    "taken as power, in kW",
    "If the file has kWh per step, write [kWh] behind the column's name and run peerflex new again.",
)

# --- which meter is which load ---
NO_LOAD: Final = Kind(
    "meters without a load of that name",
    "left out",
    "Rename the meter, or the load in the network, so that they are alike.",
)
BARE_BUS: Final = Kind(
    "meters named after a bus that nothing stands at", "left out", "Add a load at that bus, or name another."
)
SHARED_BUS: Final = Kind(
    "meters named after a bus with several loads", "left out", "Name the meter after one of its loads."
)
DARK_LOAD: Final = Kind(
    "meters of loads that are not supplied",
    "left out: their loads are out of service in the copy of the network",
    "Close a switch, or put load and bus in service.",
)
SECOND_METER: Final = Kind(
    "two meters for one load",
    "the meter whose name is nearest is used, the other is left out",
    "Add the two up yourself if both are behind the load; else delete one.",
)
ALIKE: Final = Kind(
    "meters whose name is only similar, or a bus's",
    "used",
    "Nothing, if this is the right load; else rename the meter.",
)
NO_METER: Final = Kind(
    "loads without a usable meter",
    "given the mean course of all good meters, scaled to the load's power in the network",
    "Add a meter of that name, or mend the one that was left out.",
)
NO_METERS: Final = Kind(
    "no load has a usable meter",
    "every load is given a bundled evening peak of households, scaled to its power in the network",
    "Call meters and loads alike: what is wrong with each meter is said above.",
)
NO_PV_METER: Final = Kind(
    "PV without a meter",
    "given a clear day of the season, scaled to its power in the network",
    "Add a meter that is called like the generator.",
)

# --- one meter ---
OTHER_TIME: Final = Kind(
    "times with a time zone in a file without",
    "the clock reading is taken, the zone is dropped",
    "Write all times in one way; an hour may be shifted.",
)
ZONED: Final = Kind(
    "times with a time zone",
    "all moved to one zone without summer time",
    "Nothing, unless peers follow the clock: from spring to autumn it is an hour ahead.",
)
UNSORTED: Final = Kind("rows out of order", "sorted by time", "Nothing; look why the export is not in order.")
REPEATED: Final = Kind(
    "time stamps given more than once",
    "the mean of their values is taken",
    "Look which of the values is right.",
)
SUMMER_TIME: Final = Kind(
    "summer time",
    "the hour that is missing in spring is interpolated, the mean is taken of the one that is twice in autumn",
    "Export in winter time (or UTC) all year to be exact.",
)
OTHER_STEP: Final = Kind(
    "another step length than the other meters",
    "means if it is finer, held if it is coarser",
    "Nothing, or export the meter in the common step.",
)
OFF_AXIS: Final = Kind(
    "values before or after the other meters'",
    "left out",
    "Look whether the dates are right.",
)
MISSING: Final = Kind(
    "gaps",
    "up to 2 hours interpolated; longer ones filled with the meter's mean at that time of day",
    "Look whether the gap matters in the hours you simulate.",
)
TOO_LITTLE: Final = Kind(
    "meters that have less than half of the steps",
    "left out",
    "Complete the series.",
)
REGISTER: Final = Kind(
    "meters that only rise: readings of a register, not power",
    "power is the difference to the next reading, divided by the time between them; a reading that falls is left out",
    "Nothing, if they are meter readings; write [kWh] or [Wh] behind the name if the unit below is wrong.",
)
TEXT: Final = Kind("text where a number should be", "treated as missing", "Write numbers; leave what is missing empty.")
SPIKES: Final = Kind(
    "values beyond all others of the meter",
    "treated as missing (more than 10 times what 99.5 % of its values stay below)",
    "Look whether they are real; if so, lower them to what is, or add them to load.csv.",
)
STUCK: Final = Kind(
    "the same value for more than a day",
    "treated as missing",
    "Look whether the meter failed.",
)
CONSTANT: Final = Kind("one value all the time", "kept as it is", "Look whether the meter works.")
NEGATIVE: Final = Kind(
    "values below 0",
    "counted as generation, in pv.csv",
    "Split the meter into load and PV if you have both: self-consumption hides in the difference.",
)
REVERSED: Final = Kind("all values below 0", "the sign is turned", "Export consumption above 0.")
TIMES_1000: Final = Kind(
    "values 1000 times off the network's load",
    "multiplied or divided by 1000",
    "Look whether the unit is right (W, kW, MW).",
)
MISFIT: Final = Kind(
    "values that do not fit the network's load",
    "kept as they are",
    "Look whether it is the right load, and the right unit.",
)
