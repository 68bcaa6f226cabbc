"""The numbers behind the simulation, and how they were computed.

**Prices** from the hourly day-ahead price of Spain and PVPC 2.0TD of the Peninsula (REE, OMIE), 2024 and 2025, EUR/MWh.
With ``spot`` and ``pvpc`` as series by local time, ``rest`` 1 on days that are all valley and 0 on others::

    day = spot.index.tz_localize(None).normalize()
    mean = spot.groupby(day).mean()
    LEVEL, WEEK = mean.groupby(month).mean(), (mean / mean.groupby(month).transform("mean")).groupby(kind).mean()
    rest_of_level = mean - LEVEL[month] * WEEK[kind]
    LEVEL_SD = rest_of_level.groupby(month).std()
    SHAPE = (spot - mean[day]).groupby([(month - 1) // 2, rest, hour]).mean()
    size = (deviation * SHAPE).groupby(day).sum() / (SHAPE**2).groupby(day).sum()      # SIZE_SD, SIZE_MEMORY
    noise = deviation - size[day] * SHAPE                                              # NOISE_SD, NOISE_MEMORY
    SPOT_SHARE = slope of pvpc on spot, both without their means by rest and hour
    TOLLS = (pvpc - SPOT_SHARE * spot).groupby([rest, hour]).mean()
    adjustment = (pvpc - SPOT_SHARE * spot - TOLLS).groupby(day).mean()                # ..._SD, ..._MEMORY

``FAST``, ``SLOW`` and ``SLOW_SHARE`` reproduce the autocorrelation of ``rest_of_level`` in its own standard deviations
(0.73 after 1 day, 0.47, 0.35, 0.26, ... 0.2 after 21). As flattening at zero lifts the mean, ``LEVEL`` and ``LEVEL_SD``
were then moved, month by month, until twenty simulated years had the mean and the spread of the real ones.

**Weather** from SIAR's daily values of Linares (MAPA), 2005 to 2024: least squares of each quantity on a constant and
two waves a year (cosine and sine of the day of the year, and of twice it); standard deviation and day-to-day
correlation of what is left. SIAR has no pressure: the standard atmosphere at 515 m, and a usual spread. Rain: from the
share of days with 0.2 mm or more in each month (``RAIN_ABOVE``: the standard normal number that as many exceed), and
mean and deviation of the logarithm of their rain. Sun: SIAR's radiation over that outside the atmosphere (FAO 56),
``CLEAR_AIR`` its upper tenth in each month; ``CLOUD...`` moved by hand until months had the mean and the spread of the
real ones. **Forecast** errors are set by hand, about as those of weather services are; they are checked by nothing.

**Generation** from REE's daily combined cycle (its MWh over its share is the total) and hourly MW of the Peninsula,
2024 and 2025: means by month, GWh a day; spread of the logarithm about them. What those files do not tell apart is set
by hand, about as REE's yearly totals: sun by the season of what is left, the others alike all the year.
"""

from __future__ import annotations

YEAR_DAYS = 365.25

LEVEL = (93, 89, 24, 13, 11, 70, 69, 85, 67, 70, 90, 97)
"""Mean spot price by month before it is flattened, EUR/MWh."""
LEVEL_SD = (30, 53, 37, 31, 16, 28, 24, 20, 25, 24, 35, 30)
"""Standard deviation of a day's mean spot price by month before it is flattened, EUR/MWh."""
WEEK = (1.10, 0.81, 0.71)
"""Level on working days, on rest days but Sunday, on Sundays."""
FAST, SLOW, SLOW_SHARE = 0.62, 0.97, 0.23
SIZE_SD, SIZE_MEMORY = 0.49, 0.57
NOISE_SD, NOISE_MEMORY = 12.0, 0.70
KNEE, LEAST = 10.0, -2.0
"""Below the knee spot prices flatten towards the least, EUR/MWh."""
SPIKE_ABOVE = 2.13
"""A standard normal number above this makes a spike: one evening in sixty."""
SPIKE_HOURS = (19, 20, 21, 22)

SHAPE = (
    (
        (-7, -12, -16, -19, -21, -17, -5, 14, 29, 13, -3, -12, -17, -20, -21, -19, -11, 5, 24, 37, 40, 23, 12, 2),
        (10, 2, -2, -5, -8, -7, -4, 1, 5, 1, -12, -21, -26, -29, -30, -31, -18, 5, 27, 35, 36, 31, 23, 14),
    ),
    (
        (4, -3, -5, -6, -7, -4, 5, 28, 21, -3, -14, -19, -21, -22, -23, -23, -21, -16, -5, 22, 38, 39, 24, 10),
        (8, 2, 0, -2, -3, -2, -1, 0, -3, -9, -12, -14, -15, -16, -16, -16, -13, -10, 0, 15, 30, 34, 26, 16),
    ),
    (
        (17, 11, 9, 8, 8, 10, 17, 28, 18, -2, -18, -27, -30, -34, -36, -37, -36, -30, -18, 0, 22, 50, 43, 26),
        (30, 24, 19, 17, 16, 17, 18, 13, -4, -19, -25, -27, -29, -29, -31, -31, -30, -28, -20, -6, 16, 37, 40, 31),
    ),
    (
        (21, 14, 10, 9, 7, 10, 16, 25, 17, -2, -20, -30, -33, -35, -36, -36, -34, -27, -15, 6, 25, 44, 38, 24),
        (44, 37, 31, 30, 27, 28, 30, 28, 8, -26, -45, -50, -52, -52, -52, -53, -51, -46, -27, 4, 33, 54, 55, 45),
    ),
    (
        (8, 2, -1, -4, -5, -2, 9, 27, 34, 13, -14, -29, -36, -39, -42, -42, -37, -22, 2, 32, 53, 49, 26, 17),
        (30, 23, 16, 13, 12, 12, 14, 19, 17, -1, -25, -40, -45, -47, -48, -50, -47, -32, -5, 30, 44, 46, 36, 29),
    ),
    (
        (-2, -10, -15, -18, -20, -16, -2, 14, 22, 7, -10, -21, -24, -27, -26, -18, 0, 18, 31, 34, 33, 26, 16, 7),
        (12, 4, -3, -7, -10, -10, -6, 1, 3, -7, -19, -26, -27, -28, -27, -23, -8, 16, 29, 32, 33, 29, 24, 16),
    ),
)
"""Spot price less its day's mean by two months, working or rest day, and local hour, EUR/MWh."""

SPOT_SHARE = 0.84
TOLLS = (
    (55, 55, 56, 54, 54, 54, 55, 57, 83, 76, 128, 125, 124, 122, 64, 66, 68, 72, 134, 140, 143, 142, 82, 80),
    (63, 63, 64, 64, 64, 64, 64, 65, 64, 59, 49, 46, 44, 44, 44, 46, 50, 54, 56, 61, 62, 63, 62, 60),
)
"""PVPC less the spot's share by working or rest day and local hour, EUR/MWh."""
ADJUSTMENT_SD, ADJUSTMENT_MEMORY = 8.6, 0.92
PVPC_NOISE_SD = 7.4

WARMEST_C, WARMEST_SD_C = (24.39, -10.78, -3.85, 0.14, 1.63), 4.1
COLDEST_C, COLDEST_SD_C = (11.09, -7.80, -3.29, -0.11, 0.89), 3.1
DRIEST_PCT, DRIEST_SD_PCT = (33.5, 17.9, 2.5, 0.6, -3.5), 14.0
DAMPEST_PCT, DAMPEST_SD_PCT = (79.1, 15.0, 4.1, -3.1, -3.5), 14.0
WIND_MS, WIND_LOG_SD = (1.32, -0.18, 0.14, 0.05, 0.07), 0.5
"""Mean and waves of the day's values at Linares, and the spread of single days around them."""
COLDEST_HOUR, WARMEST_HOUR = (6.0, 1.1, 0.0, 0.0, 0.0), 15.0
"""UTC: the lowest temperature comes at dawn, the highest in the middle of the afternoon."""
WEATHER_MEMORY = 0.74
WIND_DAILY_SHARE = 0.5
PRESSURE_HPA, PRESSURE_SD_HPA = 952.9, 5.0

LATITUDE_DEG = 38.15
RAIN_ABOVE = (0.25, 0.31, 0.47, 0.39, 0.84, 1.48, 2.33, 1.75, 1.04, 0.52, 0.28, 0.31)
RAIN_MEMORY, RAIN_LOG_MM, RAIN_LOG_SD, RAIN_MOST_MM, RAIN_HOUR_SD = 0.4, 0.47, 1.5, 60.0, 5.5
CLEAR_AIR = (0.66, 0.68, 0.71, 0.75, 0.75, 0.77, 0.78, 0.78, 0.74, 0.71, 0.67, 0.63)
CLOUD, CLOUD_STEEP, CLOUD_FROM = 0.75, 1.3, 0.2
"""How much of the sun the thickest clouds take, how quickly they do as it gets damper, and where it is half."""

FORECAST_MEMORY = 0.97
FORECAST_SD = ((0.5, 2.8), (3.0, 13.0), (0.3, 4.0), (0.12, 0.4))
"""Standard error at the issue and after five days: temperature [degC], humidity [%], pressure [hPa], log of wind."""
RAIN_LATE_H, RAIN_WIDTH_H = 5, 8
"""How many hours more, after five days, rain comes too early or late, and counts as around an hour."""

GENERATION = (766, 761, 739, 683, 672, 737, 791, 751, 719, 700, 716, 741)
GENERATION_WEEK = (1.004, 1.029, 1.039, 1.043, 1.032, 0.948, 0.904)
GENERATION_SD, GENERATION_MEMORY = 0.03, 0.5
"""All generation by month, GWh a day, its factor from Monday to Sunday, and the spread of single days."""
WIND_FARMS, WIND_FARMS_LOG_SD, WIND_FARMS_MEMORY = (
    (211, 181, 201, 144, 119, 122, 134, 116, 137, 158, 192, 182),
    0.42,
    0.6,
)
HYDRO, HYDRO_LOG_SD, HYDRO_MEMORY = (104, 118, 129, 121, 93, 70, 57, 49, 45, 67, 70, 74), 0.35, 0.9
NUCLEAR, NUCLEAR_SD, NUCLEAR_MEMORY, NUCLEAR_MOST = (
    (167, 162, 135, 108, 107, 142, 164, 165, 159, 134, 122, 138),
    0.06,
    0.95,
    171,
)
SUN_CELLS = (75, 107, 96, 126, 156, 176, 195, 178, 155, 106, 93, 84)
SUN_HEAT = (2, 4, 7, 12, 18, 22, 26, 23, 17, 8, 4, 2)
"""Photovoltaic and thermal, GWh on a day of usual clouds."""
OTHERS = {
    "cogeneration": 45,
    "pumped_storage": 14,
    "other_renewables": 10,
    "coal": 8,
    "diesel_engines": 7,
    "non_renewable_waste": 4,
    "renewable_waste": 2.5,
}
"""GWh a day of what varies only as demand does."""
GAS_LEAST, GAS_EASE = 35, 18
"""GWh a day of combined cycle that run for the grid's sake, however much wind and sun there is; and how gently."""
USUAL_SUN = 0.8
"""Share of its clear-sky radiation that a usual day gets."""
