"""Writes inbreast.xls beside this file: the columns, cell types and oddities of the released spreadsheet, with invented rows.

Needs xlwt. The second sheet stands for the one that circulates with dates and diagnoses and must not be read.
"""
from pathlib import Path

import xlwt

COLUMNS = [
    "Patient ID", "Patient age", "Laterality", "View", "Acquisition date", "File Name", "ACR", "Bi-Rads", "Mass ", "Micros",
    "Distortion", "Asymmetry", "Findings Notes (in Portuguese)", "Other Notes", "Lesion Annotation Status",
    "Pectoral Muscle Annotation", "Other Annotations",
]
ROWS = [
    ("R", "CC", 22678622.0, 4.0, 1.0, "", "", "", "", "No annotation (Normal)"),
    ("R", "MLO", 22678646.0, 4.0, "4a", "X", "", "", "", ""),
    ("L", "CC", 22678670.0, " " * 193, 5.0, "X", "X", " ", "", "Spiculated Region"),
    ("L", "MLO", 22678694.0, 2.0, 2.0, "", "X", "", "", ""),
    ("R", "FB", 22678718.0, 1.0, 3.0, "", "", "", "", ""),
]

book = xlwt.Workbook()
sheet = book.add_sheet("Sheet1")
for column, name in enumerate(COLUMNS):
    sheet.write(0, column, name)
for number, (side, view, file, acr, birads, mass, micros, distortion, asymmetry, status) in enumerate(ROWS, start=1):
    cells = ["removed", "removed", side, view, 201001.0, file, acr, birads, mass, micros, distortion, asymmetry, "", "", status]
    for column, cell in enumerate(cells):
        if cell != "":
            sheet.write(number, column, cell)
for column, total in zip(range(8, 12), (2.0, 2.0, 0.0, 0.0)):
    sheet.write(len(ROWS) + 2, column, total)
second = book.add_sheet("Folha2")
second.write(0, 0, "Patient name")
second.write(1, 0, "SECRET NAME")
book.save(Path(__file__).with_name("inbreast.xls"))
