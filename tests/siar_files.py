"""Files of the SIAR network as its site writes them, made by hand."""

from __future__ import annotations

from datetime import date

HEADER = (
    "IdProvincia;IdEstacion;Fecha;Año;Dia;Temp Media (ºC);Temp Max (ºC);Hora Temp Max;Temp Mínima (ºC);Hora Temp Min;"
    "Humedad Media (%);Humedad Max (%);Hora Hum Max;Humedad Min (%);Hora Hum Mín;Velviento (m/s);DirViento (º);"
    "VelVientoMax (m/s);Hora VelMax;Dir viento Vel Max (º);Radiación (MJ/m2);Precipitación (mm);PePMon;EtPMon"
)
VALUES = "20,5;30,25;16:57;10;05:30;50;90,1;06:00;20,2;17:10;1,5;230,7;6,1;13:04;262;21,3;0;0;4,12"
PLACES = {name: place for place, name in enumerate(HEADER.split(";"))}


def row(day: date, values: str = VALUES, *, station: str = "23;9", **other: str) -> str:
    """One line of a day; ``other`` sets the columns that its keys stand for (the first letters of their names)."""
    cells = f"{station};{day:%d/%m/%Y};{day.year};{day.timetuple().tm_yday};{values}".split(";")
    for start, value in other.items():
        (place,) = (place for name, place in PLACES.items() if name.replace(" ", "").startswith(start))
        cells[place] = value
    return ";".join(cells)


def blank(day: date, *, station: str = "23;9") -> str:
    """A day of which the station knows nothing."""
    return row(day, ";" * VALUES.count(";"), station=station)


def file(*rows: str, header: str = HEADER, ends: str = "\r\n") -> str:
    """A whole file as text."""
    return "".join(line + ends for line in (header, *rows))


def as_siar(*rows: str) -> bytes:
    """A whole file as the site sends it: UTF-16 without a mark."""
    return file(*rows).encode("utf-16-le")
