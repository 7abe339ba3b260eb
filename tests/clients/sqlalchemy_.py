"""SQLAlchemy 2: core, ORM, reflection."""

import datetime
import enum

from sqlalchemy import (JSON, Column, DateTime, Enum, ForeignKey, Identity, Integer, MetaData, Numeric, String, Table, Text,
                        UniqueConstraint, create_engine, func, inspect, select, text)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from check import DATABASE, HOST, PASSWORD, PORT, USER, check, run

engine = create_engine(f"postgresql+psycopg://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}")


class Base(DeclarativeBase):
    pass


class Color(enum.Enum):
    red = 1
    green = 2


class Person(Base):
    __tablename__ = "sa_person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    color: Mapped[Color] = mapped_column(Enum(Color, name="sa_color"))
    data: Mapped[dict] = mapped_column(JSONB, default=dict)
    tags: Mapped[list] = mapped_column(ARRAY(Text), default=list)
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    notes: Mapped[list["Note"]] = relationship(back_populates="person", cascade="all, delete-orphan")


class Note(Base):
    __tablename__ = "sa_note"
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("sa_person.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    price = mapped_column(Numeric(10, 2))
    person: Mapped[Person] = relationship(back_populates="notes")


@check
def schema_is_made():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@check
def objects_round_trip():
    with Session(engine) as s:
        for n in range(50):
            s.add(Person(name=f"p{n}", color=Color.green, data={"n": n}, tags=["a", str(n)],
                         notes=[Note(text="t", price=n) for _ in range(3)]))
        s.commit()
    with Session(engine) as s:
        people = s.scalars(select(Person).options(selectinload(Person.notes)).order_by(Person.id)).all()
        assert len(people) == 50 and len(people[7].notes) == 3 and people[7].color is Color.green
        people[3].name = "changed"
        s.delete(people[4])
        s.commit()
        assert s.scalar(select(func.count()).select_from(Note)) == 147
        assert s.scalar(select(Person.name).where(Person.data["n"].as_integer() == 3)) == "changed"
        assert s.scalar(select(func.count()).where(Person.tags.any("9"))) == 1


@check
def upserts_and_returning():
    with engine.begin() as c:
        statement = insert(Person.__table__).values(name="p1", color=Color.red, data={}, tags=[])
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"color": statement.excluded.color})
        assert c.execute(statement.returning(Person.color)).scalar() is Color.red


@check
def reflection():
    inspector = inspect(engine)
    assert {"sa_person", "sa_note"} <= set(inspector.get_table_names())
    key, = inspector.get_foreign_keys("sa_note")
    assert key["referred_table"] == "sa_person" and key["options"] == {"ondelete": "CASCADE"}
    assert inspector.get_pk_constraint("sa_person")["constrained_columns"] == ["id"]
    assert any(i["column_names"] == ["person_id"] for i in inspector.get_indexes("sa_note"))
    assert inspector.get_unique_constraints("sa_person")[0]["column_names"] == ["name"]
    table = Table("sa_note", MetaData(), autoload_with=engine)
    assert isinstance(table.c.price.type, Numeric) and table.c.price.type.scale == 2


@check
def window_functions_and_ctes():
    with engine.connect() as c:
        ranked = select(Note.person_id, func.row_number().over(partition_by=Note.person_id, order_by=Note.id).label("n")).cte()
        assert c.execute(select(func.count()).select_from(ranked).where(ranked.c.n == 2)).scalar() == 49


@check
def server_side_cursor():
    with engine.connect().execution_options(stream_results=True, yield_per=100) as c:
        assert sum(r[0] for r in c.execute(text("select generate_series(1, 1000)"))) == 500500


run()
